// SPDX-License-Identifier: BSD-3-Clause
// The API over its real socket, with a real HTTP client.
#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/http_server.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/metrics/counters_collector.h"
#include "tests/unit/controlplane/judged_client.h"
#include "tests/unit/controlplane/sample_counters.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

struct ApiTest : testing::Test {
  TemporaryFolder folder;
  std::string config = folder.write("dam.yaml", kSamplePolicy);
  std::string socket = folder.file("api.sock");
  TestDataplane dataplane{folder.file("dataplane.sock")};
  DataplaneLink link{folder.file("dataplane.sock"), [](const std::string&) {}};
  PolicyStore store{PolicyStore::kInMemory};
  ServerStore words{ServerStore::kInMemory};
  Servers servers{
      words,
      {[this](auto states) { return link.deliver(std::move(states)); },
       [](const std::string&) { return true; }, [](const std::string&, const std::string&) {}}};
  RunningPolicy policy{config, store, [this](auto wanted) {
                         return servers.put_in_force(std::move(wanted), [this](auto one) {
                           return link.deliver(std::move(one));
                         });
                       }};
  CountersCollector collector{{[this] { return counters(); }, [this] { return link.state(); }}};
  SpareParts spare{policy};
  EventLog& events = spare.events;
  Endpoints endpoints = all_endpoints(parts());
  ApiDocument document{openapi_document(endpoints)};
  HttpServer server{[this](httplib::Server& s) { serve(s, endpoints, socket_caller); }};

  std::unique_ptr<dam_counters> counters() { return read_counters(folder.file("counters")); }
  Sight look() {
    return {policy.current(), link.state(), counters(), config, Json(), servers.look()};
  }

  ApiParts parts() {
    return {policy,
            [this] { return look(); },
            [this] { return collector.text(); },
            events,
            spare.trust,
            servers,
            spare.bans,
            [this](const v1::Request& request, std::string& wrong) {
              return link.ask(request, std::chrono::seconds(3), wrong);
            },
            spare.captures,
            spare.signals,
            spare.lookalikes};
  }

  void SetUp() override {
    write_counters(folder.file("counters"), *sample_counters());
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
    ASSERT_EQ(server.serve_unix(socket), "");
  }

  template <class Send>
  std::pair<int, Json> ask(Send send) {
    return ask_judged(socket, document, send);
  }
  std::pair<int, Json> get(const std::string& path) {
    return ask([&](httplib::Client& c) { return c.Get(path); });
  }
  std::pair<int, Json> post(const std::string& path, const std::string& body) {
    return ask([&](httplib::Client& c) { return c.Post(path, body, "application/yaml"); });
  }
  std::pair<int, Json> patch(const std::string& path, const std::string& body) {
    return ask([&](httplib::Client& c) { return c.Patch(path, body, "application/json"); });
  }
};

TEST_F(ApiTest, the_socket_is_for_its_owner_and_group_alone) {
  struct stat info {};
  ASSERT_EQ(stat(socket.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660u);
}

TEST_F(ApiTest, a_socket_in_use_is_left_alone_and_a_dead_one_is_replaced) {
  HttpServer second([](httplib::Server&) {});
  EXPECT_EQ(second.serve_unix(socket), socket + " is served by another process already");
  EXPECT_EQ(get("/v1/status").first, 200);
  EXPECT_EQ(second.serve_unix(config), config + " is in the way and is no socket");

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string dead = folder.file("dead.sock");
  dead.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
  EXPECT_EQ(second.serve_unix(dead), "");
}

TEST_F(ApiTest, metrics_are_served_on_private_addresses_unless_told_otherwise) {
  HttpServer scraped([this](httplib::Server& s) { serve(s, scraped_endpoints(parts()), scraper); });
  EXPECT_EQ(scraped.serve_tcp("127.0.0.1", false, "--metrics-public"),
            "127.0.0.1 is not ADDRESS:PORT");
  EXPECT_EQ(scraped.serve_tcp("0.0.0.0:9415", false, "--metrics-public"),
            "0.0.0.0:9415 can be reached from the internet: use a private address, or say "
            "--metrics-public too");
  ASSERT_EQ(scraped.serve_tcp("127.0.0.1:39415", false, "--metrics-public"), "");
  const auto result = httplib::Client("127.0.0.1", 39415).Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_NE(result->body.find("dam_dataplane_up 1"), std::string::npos);
  EXPECT_EQ(httplib::Client("127.0.0.1", 39415).Get("/v1/status")->status, 404);
}

TEST_F(ApiTest, status_shows_the_dataplane_the_policy_and_the_tables) {
  const auto [code, body] = get("/v1/status");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["dataplane"]["connected"], true);
  EXPECT_EQ(body["dataplane"]["policy_version"], 1);
  EXPECT_EQ(body["policy"]["author"], config);
  EXPECT_EQ(body["tables"]["flows"]["used"], 6);
  EXPECT_EQ(body["workers"].size(), 2u);
  const Json front = {
      {"name", "front"},  {"device", "eth0"},     {"vlan", 10},  {"steering", "nic_hash"},
      {"link_up", true},  {"speed_mbit", 10'000}, {"mtu", 1500}, {"queues", 2},
      {"link_changes", 0}};
  EXPECT_EQ(body["interfaces"].dump(), Json::array({front}).dump());
}

TEST_F(ApiTest, a_change_says_which_policy_it_is_meant_for) {
  const auto send = [&](const std::string& tag) {
    return ask([&](httplib::Client& c) {
      return c.Post("/v1/policy", {{"If-Match", tag}}, kSamplePolicy, "application/yaml");
    });
  };
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  EXPECT_EQ(client.Get("/v1/policy")->get_header_value("ETag"), "\"1\"");
  EXPECT_EQ(send("\"7\"").first, 412);
  EXPECT_EQ(send("seven").first, 400);
  const auto [code, body] = send("\"1\"");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["version"], 2);
  EXPECT_EQ(send("\"1\"").first, 412);
}

TEST_F(ApiTest, versions_are_listed_compared_confirmed_and_brought_back) {
  EXPECT_EQ(post("/v1/policy?confirm_within=forever", kSamplePolicy).first, 400);
  ASSERT_EQ(post("/v1/policy?confirm_within=1m", sample_with("burst=100", "burst=7")).first, 200);
  EXPECT_EQ(patch("/v1/zones/light", R"({"mode": "shadow"})").first, 409);
  const auto [code, list] = get("/v1/policy/versions");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(list["running"], 2);
  EXPECT_EQ(list["unconfirmed"]["back_to"], 1);
  ASSERT_EQ(list["versions"].size(), 2u);
  EXPECT_NE(list["versions"][0]["author"], "") << "the user at the other end of the socket";
  EXPECT_NE(get("/v1/policy/diff").second["diff"].get<std::string>().find("burst=7"),
            std::string::npos);
  EXPECT_EQ(get("/v1/policy/diff?from=9").first, 404);
  EXPECT_EQ(get("/v1/policy/diff?from=x").first, 400);
  EXPECT_EQ(post("/v1/policy/confirm", "").first, 200);
  EXPECT_EQ(post("/v1/policy/confirm", "").first, 412);
  EXPECT_EQ(post("/v1/policy/rollback", "").first, 400);
  EXPECT_EQ(post("/v1/policy/rollback?to=1", "").second["version"], 3);
  EXPECT_EQ(get("/v1/policy/versions/3").second["text"], kSamplePolicy);
  EXPECT_EQ(get("/v1/policy/versions/99").first, 404);
}

TEST_F(ApiTest, zones_show_limits_and_counters_side_by_side) {
  const auto [code, body] = get("/v1/zones");
  EXPECT_EQ(code, 200);
  ASSERT_EQ(body["zones"].size(), 3u);
  EXPECT_EQ(body["zones"][0]["name"], "front");
  const Json& light = body["zones"][1];
  EXPECT_EQ(light["per_source"]["connections"], "50r/s burst=100");
  EXPECT_EQ(light["total"]["packets"], "none");
  EXPECT_EQ(light["counters"]["packets_up"], 20);
  EXPECT_EQ(light["counters"]["connections_open"], 6);
  EXPECT_EQ(light["counters"]["shadow_exceeded"], 8);
  EXPECT_EQ(light["counters"]["drops"]["source_packets"], 14);
  EXPECT_EQ(light["counters"]["dropped"], 14) << "what the dam takes in itself is not refused";
  EXPECT_FALSE(body["zones"][2].contains("counters")) << "no slot, no invented zeros";
}

TEST_F(ApiTest, routes_servers_and_drops_are_listed) {
  EXPECT_EQ(get("/v1/routes").second["routes"][1]["server_names"][0], "manage.example.org");
  const Json web = get("/v1/servers").second["servers"][0];
  EXPECT_EQ(web["up"], true);
  EXPECT_EQ(web["tcp_options"], (Json{"sack", "timestamps"}));
  EXPECT_EQ(web["connections_opened"], 10);
  const Json drops = get("/v1/drops").second;
  EXPECT_EQ(drops["drops"]["front"]["bad_cookie"], 2);
  EXPECT_EQ(drops["reasons"].size(), size_t{DAM_DROP_COUNT - 1});
}

TEST_F(ApiTest, a_good_policy_is_applied_and_comes_back) {
  const std::string text = sample_with("burst=100", "burst=7");
  const auto [code, body] = post("/v1/policy", text);
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["applied"], true);
  EXPECT_EQ(body["policy_version"], 2);
  EXPECT_EQ(get("/v1/policy").second["text"], text);
  EXPECT_EQ(get("/v1/policy").second["comment"], "applied whole");
}

TEST_F(ApiTest, a_bad_policy_gets_every_error_with_its_place) {
  const auto [code, body] = post("/v1/policy", sample_with("port: 80,", "prot: 0,"));
  EXPECT_EQ(code, 422);
  EXPECT_EQ(body["applied"], false);
  ASSERT_EQ(body["errors"].size(), 1u);
  EXPECT_EQ(body["errors"][0]["line"], 7);
  EXPECT_EQ(body["errors"][0]["column"], 43);
  EXPECT_EQ(body["errors"][0]["message"], "unknown key \"prot\"");
  EXPECT_EQ(body["errors"][0]["hint"], "did you mean \"port\"?");
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
}

TEST_F(ApiTest, a_dry_run_changes_nothing) {
  const auto [code, body] = post("/v1/policy?dry_run=1", sample_with("burst=100", "burst=7"));
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["applied"], false);
  EXPECT_EQ(dataplane.snapshots().size(), 1u);
  EXPECT_EQ(post("/v1/policy?dry_run=maybe", kSamplePolicy).first, 400);
}

TEST_F(ApiTest, what_the_dataplane_refuses_is_a_conflict_and_says_why) {
  dataplane.refuse("no room");
  const auto [code, body] = post("/v1/policy", sample_with("burst=100", "burst=7"));
  EXPECT_EQ(code, 409);
  EXPECT_EQ(body["errors"][0]["message"], "the dataplane refuses: no room");
  EXPECT_EQ(get("/v1/policy").second["text"], kSamplePolicy);
}

TEST_F(ApiTest, a_zone_is_changed_and_the_answer_says_what_to_write_into_dam_yaml) {
  const auto [code, body] =
      patch("/v1/zones/light", R"({"per_source.packets": "5r/s burst=9", "total.concurrent": 20})");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["yaml"],
            "zones:\n  light:\n    per_source:\n      packets: \"5r/s burst=9\"\n    total:\n"
            "      concurrent: 20\n");
  EXPECT_EQ(dataplane.snapshots().back().zones(0).total().concurrent(), 20u);
  EXPECT_EQ(get("/v1/status").second["policy"]["changes"].size(), 2u);
  EXPECT_EQ(file_text(config), kSamplePolicy);
}

TEST_F(ApiTest, wrong_changes_of_a_zone_are_refused_by_name) {
  EXPECT_EQ(patch("/v1/zones/lihgt", R"({"mode": "shadow"})").first, 404);
  EXPECT_EQ(patch("/v1/zones/light", "not json").first, 400);
  EXPECT_EQ(patch("/v1/zones/light", "[]").first, 400);
  EXPECT_EQ(patch("/v1/zones/light", "{}").first, 400);
  const auto [code, body] = patch("/v1/zones/light", R"({"mode": [1], "rate": 1e400})");
  EXPECT_EQ(code, 400) << "JSON knows no such number";
  const auto [code2, body2] = patch("/v1/zones/light", R"({"mode": [1], "rate": 1e9})");
  EXPECT_EQ(code2, 422);
  ASSERT_EQ(body2["errors"].size(), 2u);
  EXPECT_EQ(body2["errors"][0]["message"], "mode: expected enforce or shadow, found a list");
  EXPECT_EQ(body2["errors"][1]["message"], "rate: a zone has no such key");
}

TEST_F(ApiTest, strange_requests_get_an_answer_in_the_same_form) {
  const auto [code, body] = get("/v1/nothing");
  EXPECT_EQ(code, 404);
  EXPECT_EQ(body["errors"][0]["message"], "there is no /v1/nothing");
  const auto [method_code, method] = ask([](httplib::Client& c) { return c.Delete("/v1/policy"); });
  EXPECT_EQ(method_code, 405);
  EXPECT_EQ(method["errors"][0]["hint"], "it takes GET, POST");
  EXPECT_EQ(post("/v1/policy", std::string("\xff\xfe\x00zones: [", 11)).first, 422);
}

TEST_F(ApiTest, the_document_is_served_as_it_was_judged_by) {
  EXPECT_EQ(get("/v1/openapi.json").second["paths"].size(), document.json()["paths"].size());
}

TEST_F(ApiTest, what_is_wrong_with_a_request_is_named) {
  const auto message_of = [](const std::pair<int, Json>& result) {
    return std::to_string(result.first) + " " + result.second["errors"][0].value("message", "");
  };
  EXPECT_EQ(message_of(get("/v1/status?watch=1")), "400 watch is not known");
  EXPECT_EQ(message_of(get("/v1/policy/versions?count=many")),
            "400 count is not integer from 1 to 200");
  EXPECT_EQ(message_of(get("/v1/policy/versions?count=99999999999999999999")),
            "400 count is not integer from 1 to 200");
  EXPECT_EQ(message_of(get("/v1/policy/versions/first")),
            "400 number is not integer from 1 to 9007199254740992");
  EXPECT_EQ(message_of(post("/v1/policy/rollback", "")), "400 to is missing");
  EXPECT_EQ(message_of(post("/v1/policy/confirm", "yes")), "400 a body is not taken here");
  EXPECT_EQ(message_of(patch("/v1/zones/a%2Fb", "{\"mode\": \"shadow\"}")),
            "400 name is not string like ^[A-Za-z0-9._-]{1,63}$");
  EXPECT_EQ(message_of(post("/v1/policy?dry_run=perhaps", kSamplePolicy)),
            "400 dry_run is not boolean");
}

TEST_F(ApiTest, events_are_listed_by_number_and_kind) {
  events.add({EventKind::policy, "1", "", 1, "version 1 is in force"});
  events.add({EventKind::violation, "heavy", "source_packets", 12, "over"});
  EXPECT_EQ(get("/v1/events").second["events"].size(), 2u);
  EXPECT_EQ(get("/v1/events?after=1").second["events"][0]["count"], 12);
  EXPECT_EQ(get("/v1/events?kind=policy").second["events"][0]["text"], "version 1 is in force");
  EXPECT_EQ(get("/v1/events?count=1").second["events"][0]["number"], 2);
  EXPECT_EQ(get("/v1/events?kind=weather").first, 400);
}

// What a listener has heard until `enough` says so.
std::string listen(const std::string& socket, const httplib::Headers& headers,
                   const std::function<bool(const std::string&)>& enough) {
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(60);
  std::string heard;
  client.Get("/v1/events/stream", headers, [&](const char* data, size_t bytes) {
    heard.append(data, bytes);
    return !enough(heard);
  });
  return heard;
}

TEST_F(ApiTest, events_are_streamed_as_they_happen_for_longer_than_an_answer_may_take) {
  events.add({EventKind::policy, "1", "", 1, "before"});
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      events.add({EventKind::server, "web", "", 1, "event " + std::to_string(i)});
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const auto patience = std::chrono::seconds(BoundedServer::kPatienceSeconds + 2);
  const std::string heard = listen(socket, {}, [&](const std::string&) {
    return std::chrono::steady_clock::now() - began > patience;
  });
  stop = true;
  writer.join();
  EXPECT_EQ(heard.find("before"), std::string::npos);
  EXPECT_NE(heard.find("event: server\ndata: {\"number\":"), std::string::npos) << heard;
  EXPECT_GE(std::chrono::steady_clock::now() - began, patience);
  // Whoever was cut off says what it has heard.
  EXPECT_NE(listen(socket, {{"Last-Event-ID", "0"}}, [](const std::string&) { return true; })
                .find("before"),
            std::string::npos);
}

// SQLite's own word for a full disk.
TEST_F(ApiTest, what_cannot_be_written_into_the_audit_log_is_not_done) {
  spare.trust.file.sqlite().exec("PRAGMA max_page_count=1");  // that is: no more than there are
  std::pair<int, Json> result{200, Json()};
  int64_t version = 0;
  for (int i = 0; i < 200 && result.first != 507; ++i) {
    version = get("/v1/policy").second["version"];
    result =
        patch("/v1/zones/light", i % 2 == 0 ? R"({"mode": "shadow"})" : R"({"mode": "enforce"})");
  }
  ASSERT_EQ(result.first, 507);
  EXPECT_NE(result.second["errors"][0]["message"].get<std::string>().find("audit log"),
            std::string::npos);
  EXPECT_EQ(get("/v1/policy").second["version"], version) << "it was done all the same";
  EXPECT_EQ(get("/v1/status").first, 200);
}

TEST_F(ApiTest, the_audit_log_has_what_the_socket_changed) {
  EXPECT_EQ(patch("/v1/zones/light", R"({"mode": "shadow"})").first, 200);
  EXPECT_EQ(patch("/v1/zones/dark", R"({"mode": "shadow"})").first, 404);
  const Json changes = get("/v1/audit").second["changes"];
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[1]["name"], get("/v1/whoami").second["name"]);
  EXPECT_EQ(changes[1]["status"], 200);
  EXPECT_EQ(changes[0]["status"], 404);
  EXPECT_EQ(get("/healthz").second["alive"], true);
}

TEST_F(ApiTest, a_body_that_is_too_large_is_refused) {
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  const auto result =
      client.Post("/v1/policy", std::string(kMostBodyBytes + 1, '#'), "application/yaml");
  if (result) {  // the server may also hang up before everything is sent
    EXPECT_EQ(result->status, 413);
  }
  EXPECT_EQ(get("/v1/status").first, 200);
}

TEST_F(ApiTest, a_value_of_a_hundred_thousand_levels_is_refused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(patch("/v1/zones/light", R"({"mode": )" + deep + "}").first, 400);
  EXPECT_EQ(patch("/v1/zones/light", R"({"mode": ")" + deep + "\"}").first, 422);
  EXPECT_EQ(post("/v1/policy", "version: " + deep).first, 422);
  EXPECT_EQ(patch("/v1/zones/light",
                  R"({"exceeded": {"ban": {"after": 5, "within": "10s", "for": "1m"}}})")
                .first,
            200);
}

TEST_F(ApiTest, files_that_a_policy_names_lie_in_the_folder_that_comes_with_it) {
  folder.write("list.txt", "203.0.113.0/24\n");
  const TemporaryFolder other;
  other.write("list.txt", "203.0.113.0/24\n203.0.114.0/24\n");
  const std::string text = sample_with("version: 1", "version: 1\ndeny: [{file: list.txt}]");
  EXPECT_EQ(post("/v1/policy", text).first, 200);
  EXPECT_EQ(dataplane.snapshots().back().deny_size(), 1);
  EXPECT_EQ(post("/v1/policy?folder=" + other.path().string(), text).first, 200);
  EXPECT_EQ(dataplane.snapshots().back().deny_size(), 2);
  EXPECT_EQ(post("/v1/policy?folder=relative", text).first, 400);
}

// Connected, and with a byte on the way every 100 ms: more of them than there are threads.
class Tricklers {
 public:
  explicit Tricklers(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    for (int i = 0; i < BoundedServer::kThreads + 4; ++i) {
      fds_.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));
      EXPECT_EQ(connect(fds_.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    thread_ = std::thread([this] {
      while (!stop_) {
        for (const int fd : fds_) send(fd, "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  }
  ~Tricklers() {
    stop_ = true;
    thread_.join();
    for (const int fd : fds_) close(fd);
  }
  Tricklers(const Tricklers&) = delete;
  Tricklers& operator=(const Tricklers&) = delete;

 private:
  std::vector<int> fds_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_F(ApiTest, clients_that_trickle_hold_nobody_up_for_long) {
  const Tricklers tricklers(socket);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(3 * BoundedServer::kPatienceSeconds);
  const auto result = client.Get("/v1/status");
  ASSERT_TRUE(result) << httplib::to_string(result.error());
  EXPECT_EQ(result->status, 200);
}

TEST_F(ApiTest, a_client_that_says_nothing_holds_nobody_up) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  std::vector<int> silent;
  for (int i = 0; i < 3; ++i) {
    silent.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(connect(silent.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_EQ(get("/v1/status").first, 200);
  for (const int fd : silent) close(fd);
}

TEST_F(ApiTest, a_server_is_drained_and_the_dataplane_hears_of_it) {
  const auto [status, body] = patch("/v1/servers/web", R"({"state": "drain", "weight": 3})");
  EXPECT_EQ(status, 200) << body;
  EXPECT_EQ(body["outcome"], "applied");
  EXPECT_EQ(body["warnings"].size(), 3u) << "it is the only server of three routes";
  const v1::ServerStates told = dataplane.server_states();
  ASSERT_EQ(told.servers_size(), 2);
  EXPECT_EQ(told.servers(1).name(), "web");
  EXPECT_EQ(told.servers(1).intake(), v1::DRAINED);
  EXPECT_EQ(told.servers(1).weight(), 3u);
  const Json web = get("/v1/servers").second["servers"][0];
  EXPECT_EQ(web["state"], "drained");
  EXPECT_EQ(web["weight"], 3);
  EXPECT_EQ(web["policy_weight"], 1);
  EXPECT_FALSE(web["said"]["author"].get<std::string>().empty());
}

TEST_F(ApiTest, what_no_server_can_be_told_is_refused_and_named) {
  EXPECT_EQ(patch("/v1/servers/wob", R"({"state": "drain"})").first, 404);
  for (const auto& [body, named] :
       {std::pair(R"({"state": "sleep"})", "state"), std::pair(R"({"weight": 1001})", "weight"),
        std::pair(R"({"weight": -1})", "weight"), std::pair(R"({"weight": 1e300})", "weight"),
        std::pair(R"({"drain": true})", "drain"), std::pair("{}", "schema")}) {
    const auto [status, answer] = patch("/v1/servers/web", body);
    EXPECT_EQ(status, 400) << body;
    EXPECT_NE(answer.dump().find(named), std::string::npos) << answer;
  }
  EXPECT_EQ(get("/v1/servers").second["servers"][0]["state"], "enabled");
}

}  // namespace
}  // namespace dam::control

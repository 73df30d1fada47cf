// SPDX-License-Identifier: BSD-3-Clause
// Captures over the real socket, of the dataplane's own keeper of them; every answer is held
// against the served document.
#include <httplib.h>

#include <atomic>
#include <mutex>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/http_server.h"
#include "dataplane/process/capture.h"
#include "tests/unit/controlplane/judged_client.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

struct CaptureApiTest : testing::Test {
  std::mutex mutex;
  dam::Capture kept;  // the dataplane's
  dam::Policy in_force;
  uint64_t now_ns = 1'000'000'000;
  std::atomic<bool> dataplane_is_there{true};

  TemporaryFolder folder;
  std::string socket = folder.file("api.sock");
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{folder.write("dam.yaml", kSamplePolicy), store,
                       [](auto) { return Delivery(); }};
  SpareParts spare{policy};
  Captures captures{[this](const v1::Request& request, std::string& wrong) {
    return ask_dataplane(request, wrong);
  }};
  Endpoints endpoints = all_endpoints(parts());
  ApiDocument document{openapi_document(endpoints)};
  std::atomic<bool> as_another{false};
  HttpServer server{[this](httplib::Server& s) {
    serve(s, endpoints, [this](const httplib::Request& request) {
      Caller caller = socket_caller(request);
      if (as_another) caller.name = "somebody";
      return caller;
    });
  }};

  ApiParts parts() {
    ApiParts parts = spare.parts();
    return {parts.policy, parts.look,    parts.metrics_text, parts.events,
            parts.trust,  parts.servers, parts.bans,         parts.ask_dataplane,
            captures,     parts.signals, parts.lookalikes};
  }

  std::optional<v1::Reply> ask_dataplane(const v1::Request& request, std::string& wrong) {
    if (!dataplane_is_there) {
      wrong = "it is gone";
      return std::nullopt;
    }
    const std::lock_guard lock(mutex);
    std::vector<dam::Interface> interfaces(1);
    interfaces[0].name = "wan";
    v1::Reply reply = kept.answer(request, &in_force, interfaces, {now_ns, now_ns, 0});
    if (!reply.ok()) wrong = reply.errors(0);
    return reply;
  }

  void SetUp() override {
    for (const char* name : {"front", "api"}) in_force.zones.emplace_back().name = name;
    for (dam::Zone& zone : in_force.zones) zone.in_policy = true;
    ASSERT_EQ(server.serve_unix(socket), "");
  }

  template <class Send>
  std::pair<int, Json> ask(Send send) {
    return ask_judged(socket, document, send);
  }
  std::pair<int, Json> start(const std::string& body = "{}") {
    return ask(
        [&](httplib::Client& c) { return c.Post("/v1/captures", body, "application/json"); });
  }
  std::pair<int, Json> state(const std::string& query = "") {
    return ask([&](httplib::Client& c) { return c.Get("/v1/captures/current" + query); });
  }
  std::pair<int, Json> stop(const std::string& query = "") {
    return ask([&](httplib::Client& c) { return c.Delete("/v1/captures/current" + query); });
  }
  std::string file(int* status = nullptr) {
    std::string octets;
    const auto [code, unused] = ask([&](httplib::Client& c) {
      httplib::Result result = c.Get("/v1/captures/current/file");
      if (result) octets = result->body;
      return result;
    });
    if (status != nullptr) *status = code;
    return octets;
  }

  void see(dam_drop_reason reason, uint8_t interface = 0) {
    const std::lock_guard lock(mutex);
    const std::vector<uint8_t> frame(100, 'f');
    dam_sight sight{};
    sight.at_ns = now_ns;
    sight.reason = static_cast<uint8_t>(reason);
    sight.zone = 1;
    sight.interface = interface;
    sight.frame_bytes = 100;
    sight.flags = DAM_SIGHT_CAPTURED;
    kept.take(sight, frame);
  }
  dam_capture wanted() {
    const std::lock_guard lock(mutex);
    return kept.wanted();
  }
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(CaptureApiTest, begins_with_sane_bounds_and_says_so) {
  const auto [code, body] = start();
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["packets"], 1000);
  EXPECT_EQ(body["seconds"], 10);
  EXPECT_EQ(body["snap_bytes"], 256);
  EXPECT_EQ(body["which"], "all");
  EXPECT_FALSE(body.contains("ended"));
  EXPECT_EQ(body["ends_ms"], body["begun_ms"].get<int64_t>() + 10'000);
  EXPECT_EQ(wanted().snap_bytes, 256u);
}

TEST_F(CaptureApiTest, the_filter_reaches_the_planes) {
  const auto [code, body] = start(
      R"({"client": "198.51.100.7/24", "zone": "api", "reason": "source_packets",
          "which": "dropped", "packets": 7, "seconds": 30, "snap_bytes": 64})");
  EXPECT_EQ(code, 200) << body;
  EXPECT_EQ(body["client"], "198.51.100.0/24");
  const dam_capture now = wanted();
  EXPECT_EQ(now.zone, 1);
  EXPECT_EQ(now.reason, DAM_DROP_source_packets);
  EXPECT_EQ(now.passed, 0);
  EXPECT_EQ(now.dropped, 1);
  EXPECT_EQ(now.mask.word[3], __builtin_bswap32(0xffffff00));
}

TEST_F(CaptureApiTest, the_file_comes_while_it_goes_on_and_ends_with_it) {
  start(R"({"packets": 2})");
  see(DAM_DROP_source_packets);
  std::thread later([this] {
    // Fetched by now: the first packet has been read.
    EXPECT_TRUE(eventually([this] {
      const std::lock_guard lock(mutex);
      v1::Request look;
      look.mutable_read_capture()->set_state_only(true);
      return !kept.answer(look, &in_force, {}, {}).capture().more();
    }));
    see(DAM_DROP_none, DAM_SIGHT_ANY);
  });
  const std::string octets = file();
  later.join();
  EXPECT_EQ(octets.substr(0, 4), "\x0a\x0d\x0d\x0a");
  EXPECT_EQ(count(octets, "dropped: source_packets"), 1u);
  EXPECT_EQ(count(octets, "passed: zone api"), 1u);
  EXPECT_EQ(count(octets, "unknown"), 1u) << "an interface for what came in by none";
  EXPECT_EQ(count(octets, "passed and dropped packets, for "), 1u);
  const auto [code, body] = state();
  EXPECT_EQ(code, 200);
  EXPECT_EQ(body["kept"], 2);
  EXPECT_EQ(body["ended"], "all packets that were asked for");
  int status = 0;
  file(&status);
  EXPECT_EQ(status, 404) << "it is fetched once";
}

TEST_F(CaptureApiTest, an_empty_one_is_a_whole_file) {
  start();
  EXPECT_EQ(stop().first, 200);
  const std::string octets = file();
  EXPECT_EQ(octets.substr(0, 4), "\x0a\x0d\x0d\x0a");
  EXPECT_EQ(count(octets, "wan"), 1u);
}

TEST_F(CaptureApiTest, a_second_one_is_told_whose_the_first_is_and_can_end_it) {
  start();
  const auto [code, body] = start();
  EXPECT_EQ(code, 409);
  const std::string message = body["errors"][0]["message"];
  EXPECT_NE(message.find("is under way, for at most 10 s more"), std::string::npos) << message;
  EXPECT_EQ(stop("?id=99").first, 404);
  EXPECT_EQ(stop("?id=1").first, 200);
  EXPECT_EQ(wanted().snap_bytes, 0u);
  EXPECT_EQ(start().first, 200);
}

TEST_F(CaptureApiTest, who_did_not_begin_it_may_look_and_end_it_but_not_have_it) {
  start();
  see(DAM_DROP_none);
  as_another = true;
  int status = 0;
  EXPECT_EQ(count(file(&status), "passed:"), 0u);
  EXPECT_EQ(status, 409);
  EXPECT_EQ(state().second["kept"], 1);
  as_another = false;
  stop();
  EXPECT_EQ(count(file(), "passed:"), 1u) << "the refusal took nothing";
}

TEST_F(CaptureApiTest, two_cannot_fetch_it_and_one_who_leaves_ends_it) {
  start();
  see(DAM_DROP_none);
  std::atomic<bool> begun{false}, leave{false};
  std::thread first([&] {
    httplib::Client client(socket);
    client.set_address_family(AF_UNIX);
    client.Get("/v1/captures/current/file", [&](const char*, size_t) {
      begun = true;
      eventually([&] { return leave.load(); });
      return false;
    });
  });
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  int status = 0;
  file(&status);
  EXPECT_EQ(status, 409);
  leave = true;
  first.join();
  EXPECT_TRUE(eventually([this] { return wanted().snap_bytes == 0; }));
}

// A HEAD is a GET whose answer is cut off.
TEST_F(CaptureApiTest, a_head_takes_nothing) {
  start();
  see(DAM_DROP_none);
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  const auto result = client.Head("/v1/captures/current/file");
  ASSERT_TRUE(result);
  EXPECT_EQ(wanted().snap_bytes, 256u);
  stop();
  EXPECT_EQ(count(file(), "passed:"), 1u);
}

TEST_F(CaptureApiTest, what_is_wrong_is_named) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"reason": "flood"})", "reason is not one of none, malformed"},
      {R"({"packets": 100001})", "packets is not integer from 1 to 100000"},
      {R"({"seconds": 0})", "seconds is not integer from 1 to 300"},
      {R"({"snap_bytes": 9999})", "snap_bytes is not integer from 64 to 2048"},
      {R"({"which": "both"})", "which is not one of all, passed, dropped"},
      {R"({"client": "nobody"})", "client is no address or network"},
      {R"({"file": "/etc/passwd"})", "file is not known"},
  };
  for (const auto& [request, text] : wrong) {
    const auto [code, body] = start(request);
    EXPECT_EQ(code, 400) << request;
    const std::string message = body["errors"][0]["message"];
    EXPECT_EQ(message.substr(0, std::string(text).size()), text);
  }
  const auto [code, body] = start(R"({"zone": "apl"})");
  EXPECT_EQ(code, 422);
  EXPECT_EQ(body["errors"][0]["message"], "There is no zone \"apl\"; there are: front, api.");
  EXPECT_EQ(wanted().snap_bytes, 0u);
}

TEST_F(CaptureApiTest, without_one_and_without_a_dataplane) {
  EXPECT_EQ(state().first, 404);
  EXPECT_EQ(stop().first, 404);
  int status = 0;
  file(&status);
  EXPECT_EQ(status, 404);
  dataplane_is_there = false;
  EXPECT_EQ(start().first, 503);
  EXPECT_EQ(state().first, 503);
}

TEST_F(CaptureApiTest, who_begins_and_ends_one_is_in_the_audit_log) {
  start(R"({"client": "198.51.100.7"})");
  stop();
  const auto [code, log] = ask([](httplib::Client& c) { return c.Get("/v1/audit?count=2"); });
  ASSERT_EQ(code, 200);
  EXPECT_NE(log.dump().find("Capture packets: {\\\"client\\\":\\\"198.51.100.7\\\"}"),
            std::string::npos)
      << log;
  EXPECT_NE(log.dump().find("End the capture"), std::string::npos);
}

TEST_F(CaptureApiTest, a_control_plane_that_ends_waits_for_nobody) {
  start();
  std::thread closer([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    captures.close();
  });
  file();
  closer.join();
  EXPECT_TRUE(eventually([this] { return wanted().snap_bytes == 0; })) << "nobody would read it";
}

}  // namespace
}  // namespace dam::control

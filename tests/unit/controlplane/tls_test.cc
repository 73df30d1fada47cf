// SPDX-License-Identifier: BSD-3-Clause
// The API from afar: the real listener, real TLS, OpenSSL's own client at the other end.
#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <regex>

#include "controlplane/api/endpoints.h"
#include "controlplane/api/https.h"
#include "controlplane/bans/ban_book.h"
#include "controlplane/trust/certificate.h"
#include "tests/unit/controlplane/api_document.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

using Purpose = Issue::Purpose;

const KeyPair& ca() {
  static const KeyPair made = issue({Purpose::authority, "the dam's authority", {}, 3650}, nullptr);
  return made;
}

struct TlsTest : testing::Test {
  // Of several processes that share these tests each has its own.
  static uint16_t port_of_shard() {
    const char* shard = std::getenv("GTEST_SHARD_INDEX");
    return static_cast<uint16_t>(39450 + (shard != nullptr ? std::atoi(shard) : 0));
  }
  static inline const uint16_t kPort = port_of_shard();
  TemporaryFolder folder;
  std::string config = folder.write("dam.yaml", kSamplePolicy);
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{config, store, [](auto) { return Delivery(); }};
  SpareParts spare{policy};
  EventLog& events = spare.events;
  Trust& trust = spare.trust;
  Endpoints endpoints = all_endpoints(parts());
  ApiDocument document{openapi_document(endpoints)};
  std::mutex log_mutex;
  std::string log;
  std::unique_ptr<Https> https;

  ApiParts parts() {
    ApiParts parts = spare.parts();
    parts.look = [this] { return Sight{policy.current(), {}, nullptr, config}; };
    parts.metrics_text = [] { return "metrics 1\n"; };
    return parts;
  }

  void SetUp() override {
    policy.load_config();
    put_certificate(365);
    https = std::make_unique<Https>(folder.path(), endpoints, trust,
                                    [this](bool, const std::string& text) {
                                      const std::lock_guard lock(log_mutex);
                                      log += text + "\n";
                                    });
    ASSERT_EQ(https->serve("127.0.0.1:" + std::to_string(kPort), false), "");
  }

  void TearDown() override { events.close(); }

  void put_certificate(int days) const {
    const KeyPair server = issue({Purpose::server, "dam", {"127.0.0.1"}, days}, &ca());
    write_private(folder.file(kAuthorityFile), pem_of(*ca().certificate));
    write_private(folder.file(kServerKeyFile), pem_of(*server.key));
    write_private(folder.file(kServerFile), pem_of(*server.certificate));
  }
  std::string log_text() {
    const std::lock_guard lock(log_mutex);
    return log;
  }

  // A certificate of our own authority, registered.
  KeyPair client(const std::string& name, Role role, int days = 30) {
    KeyPair pair = issue({Purpose::client, name, {}, days}, &ca());
    trust.access.add_client({fingerprint_of(*pair.certificate), name, role, "test", 1,
                             std::time(nullptr) + days * 86'400});
    return pair;
  }
  std::string token(Role role, int64_t expires_at = 0) {
    std::string text = AccessStore::new_token_text();
    trust.access.add_token({"token " + std::string(role_text(role)) + std::to_string(expires_at),
                            "", role, "test", 1, expires_at},
                           text);
    return text;
  }

  // `pair` null: without a certificate.
  std::unique_ptr<httplib::SSLClient> connect(const KeyPair* pair) {
    auto made = std::make_unique<httplib::SSLClient>("127.0.0.1", kPort,
                                                     pair ? pair->certificate.get() : nullptr,
                                                     pair ? pair->key.get() : nullptr);
    X509_STORE* trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, ca().certificate.get());
    made->set_ca_cert_store(trusted);
    made->enable_server_certificate_verification(true);
    made->set_read_timeout(20);
    return made;
  }
  httplib::Result ask(const KeyPair* pair, const std::string& path,
                      const httplib::Headers& headers = {}) {
    return connect(pair)->Get(path, headers);
  }
  // The status; 0: no answer.
  int status(const KeyPair* pair, const std::string& path = "/v1/status",
             const httplib::Headers& headers = {}) {
    const auto result = ask(pair, path, headers);
    return result ? result->status : 0;
  }
  static httplib::Headers bearer(const std::string& text) {
    return {{"Authorization", "Bearer " + text}};
  }
  static std::string message(const httplib::Result& result) {
    const Json body = Json::parse(result->body, nullptr, false);
    return body["errors"][0]["message"];
  }
};

TEST_F(TlsTest, a_registered_certificate_or_a_token_opens_and_nothing_else_does) {
  const KeyPair alice = client("alice", Role::viewer);
  EXPECT_EQ(status(&alice), 200);
  EXPECT_EQ(status(nullptr, "/v1/status", bearer(token(Role::viewer))), 200);
  const auto nobody = ask(nullptr, "/v1/status");
  EXPECT_EQ(nobody->status, 401);
  EXPECT_NE(nobody->body.find("damctl enroll"), std::string::npos) << "what to do";
  EXPECT_EQ(status(nullptr, "/v1/status", bearer("dam_" + std::string(64, '0'))), 401);
  EXPECT_EQ(status(nullptr, "/v1/status", {{"Authorization", "Basic YTpi"}}), 401);
  const KeyPair unknown = issue({Purpose::client, "mallory", {}, 30}, &ca());
  EXPECT_NE(message(ask(&unknown, "/v1/status")).find("not registered"), std::string::npos);
  EXPECT_EQ(status(nullptr, "/healthz"), 200);
  EXPECT_EQ(status(nullptr, "/readyz"), 503);
  EXPECT_EQ(status(nullptr, "/v1/no/such/thing"), 401);
}

TEST_F(TlsTest, certificates_of_others_or_past_their_time_do_not_get_through_the_handshake) {
  const KeyPair other = issue({Purpose::authority, "the dam's authority", {}, 30}, nullptr);
  const KeyPair forged = issue({Purpose::client, "alice", {}, 30}, &other);
  trust.access.add_client({fingerprint_of(*forged.certificate), "alice", Role::admin, "", 1, 2});
  EXPECT_EQ(status(&forged), 0);
  const KeyPair old = client("bob", Role::admin, -1);
  EXPECT_EQ(status(&old), 0);
  const KeyPair server = issue({Purpose::server, "carol", {}, 30}, &ca());
  trust.access.add_client({fingerprint_of(*server.certificate), "carol", Role::admin, "", 1, 2});
  EXPECT_EQ(status(&server), 0) << "a server's certificate is no client's";
  EXPECT_TRUE(eventually([&] {
    return https->metrics_text().find("handshakes_failed_total 3") != std::string::npos;
  })) << https->metrics_text();
}

TEST_F(TlsTest, what_is_revoked_removed_or_expired_is_told_so) {
  const KeyPair alice = client("alice", Role::admin);
  const std::string expired = token(Role::admin, std::time(nullptr) - 1);
  EXPECT_EQ(status(&alice), 200);
  trust.access.revoke("alice");
  const auto refused = ask(&alice, "/v1/status");
  EXPECT_EQ(refused->status, 401);
  EXPECT_NE(message(refused).find("was revoked"), std::string::npos);
  const auto late = ask(nullptr, "/v1/status", bearer(expired));
  EXPECT_EQ(late->status, 401);
  EXPECT_NE(message(late).find("expired"), std::string::npos);
}

// A stream of events, until it ends; what it said.
struct Following {
  Following(httplib::SSLClient& client, const httplib::Headers& headers)
      : thread([this, &client, headers] {
          client.Get("/v1/events/stream", headers, [this](const char* data, size_t bytes) {
            const std::lock_guard lock(mutex);
            heard.append(data, bytes);
            return true;
          });
          ended = true;
        }) {}
  ~Following() { thread.join(); }
  std::string text() {
    const std::lock_guard lock(mutex);
    return heard;
  }
  bool begun() { return !text().empty(); }

  std::mutex mutex;
  std::string heard;
  std::atomic<bool> ended{false};
  std::thread thread;
};

TEST_F(TlsTest, the_stream_of_who_is_revoked_removed_or_expired_ends_in_words_and_others_go_on) {
  const KeyPair alice = client("alice", Role::viewer), bob = client("bob", Role::viewer);
  const std::string removed = token(Role::viewer);
  const std::string expires = token(Role::operator_, std::time(nullptr) + 3);
  const auto a = connect(&alice), b = connect(&bob), c = connect(nullptr), d = connect(nullptr);
  Following by_alice(*a, {}), by_bob(*b, {}), by_token(*c, bearer(removed)),
      by_short(*d, bearer(expires));
  ASSERT_TRUE(eventually(
      [&] { return by_alice.begun() && by_bob.begun() && by_token.begun() && by_short.begun(); }));
  const auto began = std::chrono::steady_clock::now();
  trust.access.revoke("alice");
  trust.access.remove_token("token viewer0");
  EXPECT_TRUE(eventually([&] { return by_alice.ended && by_token.ended; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8)) << "no heartbeat";
  EXPECT_NE(by_alice.text().find("event: end\ndata: {\"text\":\"this certificate was revoked"),
            std::string::npos)
      << by_alice.text();
  EXPECT_NE(by_token.text().find("was removed"), std::string::npos) << by_token.text();
  EXPECT_TRUE(eventually([&] { return by_short.ended.load(); }));
  EXPECT_NE(by_short.text().find("has expired"), std::string::npos) << by_short.text();
  EXPECT_FALSE(by_bob.ended);
  events.add({EventKind::policy, "1", "", 1, "something happens"});
  EXPECT_TRUE(eventually([&] { return by_bob.text().find("something") != std::string::npos; }));
  EXPECT_EQ(by_alice.text().find("something"), std::string::npos);
  events.close();
  EXPECT_TRUE(eventually([&] { return by_bob.ended.load(); }));
  EXPECT_NE(by_bob.text().find("the control plane ends"), std::string::npos);
}

TEST_F(TlsTest, nothing_older_than_tls_1_3_is_spoken) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(context, version);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{AF_INET, htons(kPort), {htonl(INADDR_LOOPBACK)}, {}};
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    EXPECT_EQ(SSL_connect(ssl) == 1, version == TLS1_3_VERSION);
    SSL_free(ssl);
    close(fd);
  }
  SSL_CTX_free(context);
}

// A path and a body that the endpoint's checks let through are not needed: who may not ask is
// refused before them, and who may is not.
TEST_F(TlsTest, every_endpoint_asks_for_its_role) {
  events.close();  // a stream of them would not end
  const std::regex parameter(R"(\{[^}]*\})");
  for (const Endpoint& endpoint : endpoints) {
    const std::string path = std::regex_replace(endpoint.path, parameter, "1");
    for (const Role role :
         {Role::anyone, Role::reporter, Role::viewer, Role::operator_, Role::admin}) {
      // A name of its own each time, so that no bucket is empty.
      const std::string name = endpoint.method + " " + path + role_text(role);
      const std::string text = AccessStore::new_token_text();
      if (role > Role::anyone) trust.access.add_token({name, "", role, "test"}, text);
      httplib::Request request;
      request.method = endpoint.method;
      request.path = path;
      if (endpoint.method != "GET") request.body = "?";  // nothing that changes anything
      if (role > Role::anyone) request.headers = bearer(text);
      // The strangers of all endpoints share an address.
      int got = 429;
      httplib::Response response;
      while (got == 429) {
        const auto result = connect(nullptr)->send(request);
        ASSERT_TRUE(result) << name;
        response = *result;
        got = response.status;
        if (got == 429) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
      const bool allowed = may(role, endpoint.role);
      const int refusal = role == Role::anyone ? 401 : 403;
      EXPECT_EQ(got == 401 || got == 403, !allowed) << name << ": " << got << " " << response.body;
      if (allowed) continue;
      EXPECT_EQ(got, refusal) << name;
      EXPECT_EQ(document.objection(request, response), "");
      if (refusal == 403) {
        EXPECT_NE(response.body.find(std::string("this needs ") + role_text(endpoint.role)),
                  std::string::npos)
            << response.body;
      }
    }
  }
}

TEST_F(TlsTest, a_body_of_nobody_is_not_read) {
  const auto result = connect(nullptr)->Post("/v1/policy", std::string(kMostBodyBytes - 1, 'x'),
                                             "application/yaml");
  if (result) {
    EXPECT_EQ(result->status, 401);
  }
  EXPECT_EQ(status(nullptr, "/healthz"), 200);
  EXPECT_EQ(connect(nullptr)->Get("/v1/zones/" + std::string(8000, 'x'))->status, 414);
}

TEST_F(TlsTest, a_stranger_who_wishes_for_much_gets_what_all_get) {
  const std::string path = "/v1/openapi.json";
  const size_t plain = ask(nullptr, path)->body.size();
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  EXPECT_EQ(ask(nullptr, path, {{"Range", ranges}})->body.size(), plain);
  EXPECT_FALSE(ask(nullptr, path, {{"Accept-Encoding", "br"}})->has_header("Content-Encoding"));
  httplib::Headers endless;
  for (int i = 0; i < 100; ++i) endless.emplace("X-" + std::to_string(i), std::string(1000, 'x'));
  EXPECT_EQ(status(nullptr, path, endless), 400) << "a head of 100 kB was read";
  const KeyPair alice = client("alice", Role::admin);
  EXPECT_EQ(connect(&alice)
                ->Post("/v1/policy", {{"Content-Encoding", "gzip"}}, "x", "application/yaml")
                ->status,
            415);
  EXPECT_EQ(connect(&alice)
                ->Post("/v1/policy?dry_run=1", std::string(1 << 20, '#') + "\n" + kSamplePolicy,
                       "application/yaml")
                ->status,
            200);
}

TEST_F(TlsTest, a_page_of_another_site_changes_nothing) {
  const KeyPair alice = client("alice", Role::admin);
  const auto from = [&](const std::string& origin) {
    return connect(&alice)
        ->Post("/v1/policy/confirm", {{"Origin", origin}}, "", "text/plain")
        ->status;
  };
  EXPECT_EQ(from("https://evil.example"), 403);
  EXPECT_EQ(from("null"), 403);
  EXPECT_EQ(from("https://127.0.0.1:" + std::to_string(kPort)), 412) << "nothing waits";
}

TEST_F(TlsTest, who_asks_too_often_is_told_when_again_and_others_are_served) {
  https = nullptr;
  https = std::make_unique<Https>(
      folder.path(), endpoints, trust, [](bool, const std::string&) {},
      RequestRates{1e-3, 3, 1e-3, 2});
  ASSERT_EQ(https->serve("127.0.0.1:" + std::to_string(kPort), false), "");
  const httplib::Headers busy = bearer(token(Role::viewer));
  const KeyPair alice = client("alice", Role::viewer);
  for (const int expected : {200, 200, 200, 429}) {
    EXPECT_EQ(status(nullptr, "/v1/whoami", busy), expected);
  }
  EXPECT_GT(std::stoi(ask(nullptr, "/v1/whoami", busy)->get_header_value("Retry-After")), 900);
  for (const int expected : {401, 200, 429}) {
    EXPECT_EQ(status(nullptr, expected == 401 ? "/v1/whoami" : "/healthz"), expected);
  }
  EXPECT_EQ(status(&alice), 200);
}

TEST_F(TlsTest, changes_are_in_the_audit_log_with_who_and_from_where_and_refusals_too) {
  const KeyPair alice = client("alice", Role::admin);
  const KeyPair bob = client("bob", Role::operator_);
  EXPECT_EQ(
      connect(&alice)->Post("/v1/policy?dry_run=1", kSamplePolicy, "application/yaml")->status,
      200);
  EXPECT_EQ(
      connect(&bob)->Patch("/v1/zones/light", R"({"mode": "shadow"})", "application/json")->status,
      202);
  EXPECT_EQ(connect(&bob)->Post("/v1/policy", kSamplePolicy, "application/yaml")->status, 403);
  EXPECT_EQ(status(nullptr), 401);
  const Json body = Json::parse(ask(&alice, "/v1/audit")->body);
  ASSERT_EQ(body["changes"].size(), 1u) << "a dry run is no change: " << body.dump();
  const Json& change = body["changes"][0];
  EXPECT_EQ(change["name"], "bob");
  EXPECT_EQ(change["role"], "operator");
  EXPECT_EQ(change["address"], "127.0.0.1");
  EXPECT_EQ(change["path"], "/v1/zones/light");
  EXPECT_EQ(change["status"], 202);
  EXPECT_NE(change["what"].get<std::string>().find("shadow"), std::string::npos);
  EXPECT_NE(change["what"].get<std::string>().find("version 2"), std::string::npos) << change;
  ASSERT_EQ(body["refused"].size(), 2u) << body.dump();
}

TEST_F(TlsTest, a_token_is_made_used_and_removed_and_nobody_locks_himself_out) {
  const KeyPair alice = client("alice", Role::admin);
  const auto made = connect(&alice)->Post(
      "/v1/tokens", R"({"name": "ci", "role": "admin", "expires_in_days": 7})", "application/json");
  ASSERT_EQ(made->status, 201) << made->body;
  const Json body = Json::parse(made->body);
  const httplib::Headers ci = bearer(body["token"]);
  EXPECT_EQ(Json::parse(ask(nullptr, "/v1/whoami", ci)->body)["name"], "ci");
  EXPECT_EQ(ask(nullptr, "/v1/tokens", ci)->body.find(body["token"].get<std::string>()),
            std::string::npos);
  EXPECT_EQ(connect(&alice)
                ->Post("/v1/tokens", R"({"name": "ci", "role": "viewer"})", "application/json")
                ->status,
            409);
  EXPECT_EQ(connect(nullptr)->Delete("/v1/tokens/ci", ci)->status, 409);
  EXPECT_EQ(connect(&alice)->Delete("/v1/clients/alice")->status, 409);
  EXPECT_EQ(connect(&alice)->Delete("/v1/tokens/ci")->status, 200);
  EXPECT_EQ(connect(&alice)->Delete("/v1/tokens/ci")->status, 404);
  EXPECT_EQ(status(nullptr, "/v1/whoami", ci), 401);
}

TEST_F(TlsTest, a_certificate_is_replaced_while_running_and_half_a_pair_is_not) {
  const int64_t before = https->view()["certificate_expires_at"];
  const KeyPair other = issue({Purpose::server, "dam", {"127.0.0.1"}, 500}, &ca());
  write_private(folder.file(kServerFile), pem_of(*other.certificate));
  EXPECT_TRUE(eventually([&] { return !https->view()["trouble"].get<std::string>().empty(); }));
  EXPECT_EQ(https->view()["certificate_expires_at"], before);
  EXPECT_EQ(status(nullptr, "/healthz"), 200) << "the old pair serves on";
  write_private(folder.file(kServerKeyFile), pem_of(*other.key));
  EXPECT_TRUE(eventually([&] { return https->view()["certificate_expires_at"] > before; }));
  EXPECT_EQ(https->view()["trouble"], "");
  EXPECT_EQ(https->view()["warning"], "");
  EXPECT_EQ(status(nullptr, "/healthz"), 200);
}

TEST_F(TlsTest, a_certificate_near_its_end_warns_in_log_view_and_metric) {
  put_certificate(29);
  https->reload();  // as SIGHUP does
  EXPECT_NE(log_text().find("the server's certificate expires in 2"), std::string::npos)
      << log_text();
  EXPECT_NE(https->view()["warning"].get<std::string>().find("damctl enroll"), std::string::npos);
  const std::string metrics = https->metrics_text();
  const std::string name = "dam_api_certificate_expiry_seconds{certificate=\"server\"} ";
  const size_t at = metrics.find(name);
  ASSERT_NE(at, std::string::npos) << metrics;
  EXPECT_NEAR(std::stod(metrics.substr(at + name.size())), 29 * 86400, 600);
}

TEST_F(TlsTest, without_a_certificate_it_waits_for_one) {
  std::filesystem::remove(folder.file(kServerFile));
  const Https other(folder.path(), {}, trust, [](bool, const std::string&) {});
  EXPECT_NE(other.view()["trouble"].get<std::string>().find("cannot be read"), std::string::npos);
  EXPECT_EQ(status(nullptr, "/healthz"), 200) << "the first one keeps what it had";
}

TEST_F(TlsTest, addresses_that_the_internet_reaches_are_asked_for_twice) {
  Https other(folder.path(), {}, trust, [](bool, const std::string&) {});
  const std::string address = "0.0.0.0:39444";
  EXPECT_NE(other.serve(address, false).find("--https-public"), std::string::npos);
  EXPECT_EQ(other.serve(address, true), "");
}

// More connections than there are places, all of them with nothing or next to nothing to say.
class Strangers {
 public:
  Strangers(const char* what, size_t count) : what_(what) {
    for (size_t i = 0; i < count; ++i) fds_.push_back(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in to{AF_INET, htons(TlsTest::kPort), {htonl(INADDR_LOOPBACK)}, {}};
    // Some of them are more than may be there.
    for (const int fd : fds_) (void)::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
    thread_ = std::thread([this] {
      for (size_t at = 0; !stop_; ++at) {
        for (const int fd : fds_) send(fd, what_ + at % 5, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  }
  ~Strangers() {
    stop_ = true;
    thread_.join();
    for (const int fd : fds_) close(fd);
  }
  Strangers(const Strangers&) = delete;
  Strangers& operator=(const Strangers&) = delete;

 private:
  const char* what_;
  std::vector<int> fds_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_F(TlsTest, handshakes_that_trickle_hold_nobody_up) {
  const KeyPair alice = client("alice", Role::viewer);
  // The head of a record of 16 KiB that never comes.
  const Strangers strangers("\x16\x03\x01\x3f\xff", 2 * BoundedServer::kTlsBounds.most);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(status(&alice), 200) << i;
}

// Strangers with a handshake done, whose request never ends; then those of whoever is known.
TEST_F(TlsTest, requests_that_trickle_are_pushed_out_by_others) {
  const KeyPair alice = client("alice", Role::viewer);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  std::vector<std::pair<SSL*, int>> slow;
  for (size_t i = 0; i < 3 * BoundedServer::kTlsBounds.each; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{AF_INET, htons(kPort), {htonl(INADDR_LOOPBACK)}, {}};
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1) SSL_write(ssl, "GET /v1/status HT", 17);
    slow.emplace_back(ssl, fd);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(&alice), 200) << i;
  EXPECT_NE(https->metrics_text().find("pushed_out_total"), std::string::npos);
  for (const auto& [ssl, fd] : slow) {
    SSL_free(ssl);
    close(fd);
  }
  SSL_CTX_free(context);
}

}  // namespace
}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What certificates say against a policy, and that it takes force then.
#include "controlplane/health/coalescing.h"

#include <gtest/gtest.h>

#include <ctime>

#include "controlplane/health/servers.h"
#include "controlplane/state/running_policy.h"
#include "tests/unit/controlplane/health_servers.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

constexpr int64_t kNow = 1'800'000'000;

// The sample policy, whose two servers are looked at.
std::string checked(const std::string& more = "") {
  std::string text = sample_with("port: 443}\n  back-office",
                                 "port: 443, check: {kind: tls" + more + "}}\n  back-office");
  const std::string at = "10::11";
  EXPECT_EQ(text.find(at), std::string::npos);
  return text;
}

std::vector<CheckPlan> plans_of(const std::string& text) {
  const Loaded loaded = load_policy(text, "dam.yaml", ".");
  EXPECT_TRUE(loaded.policy) << loaded.problems.at(0).text();
  return plan_checks(*loaded.policy);
}

struct CoalescingTest : testing::Test {
  Authority authority;

  CertificateSeen seen(const std::vector<std::string>& names, bool h2 = true,
                       const std::string& handshake = "www.example.org") {
    const auto key = new_key();
    return {*parse_address("198.18.1.10"),
            443,
            handshake,
            ShownCertificate(authority.sign({names}, key.get())),
            h2,
            kNow - 7,
            {}};
  }
  std::vector<Problem> against(const std::string& text, const std::vector<CertificateSeen>& all) {
    return coalescing_problems(plans_of(text), all, kNow);
  }
};

TEST_F(CoalescingTest, a_certificate_that_covers_a_name_routed_elsewhere_is_said_in_full) {
  const auto problems = against(checked(), {seen({"*.example.org"})});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].severity, Severity::error);
  EXPECT_GT(problems[0].mark.line, 0);
  EXPECT_EQ(
      problems[0].message,
      "the certificate that server \"web\" shows for \"www.example.org\" (7 s ago) also covers "
      "\"manage.example.org\", by its name \"*.example.org\", which route \"manage\" takes to "
      "server \"back-office\": over HTTP/2, browsers would send its requests to \"web\"");
  EXPECT_NE(problems[0].hint.find("damctl apply --force (?force=true)"), std::string::npos);
}

TEST_F(CoalescingTest, what_browsers_do_not_do_is_nothing_to_speak_of) {
  EXPECT_TRUE(against(checked(), {}).empty()) << "nobody has looked yet";
  EXPECT_TRUE(against(checked(), {seen({"www.example.org"})}).empty());
  EXPECT_TRUE(against(checked(), {seen({"*.example.org"}, false)}).empty()) << "without HTTP/2";
  EXPECT_TRUE(against(checked(", coalescing: allow"), {seen({"*.example.org"})}).empty());
  EXPECT_TRUE(against(checked(), {seen({"*.example.org"}, true, "old.example.org")}).empty())
      << "clients of this server do not ask for that name any more";
  CertificateSeen other = seen({"*.example.org"});
  other.port = 8443;
  EXPECT_TRUE(against(checked(), {other}).empty()) << "another server's";
}

// Clients reuse a connection to the same address and port alone.
TEST_F(CoalescingTest, names_of_another_listener_do_not_count) {
  std::string text = checked();
  const std::string from = "{name: manage, listener: https";
  text.replace(text.find(from), from.size(), "{name: manage, listener: other");
  const std::string listeners = "listeners:\n";
  text.replace(text.find(listeners), listeners.size(),
               "listeners:\n  - {name: other, addresses: 198.51.100.2, port: 8443}\n");
  EXPECT_TRUE(against(text, {seen({"*.example.org"})}).empty());
}

TEST_F(CoalescingTest, a_server_that_was_renamed_is_the_same_and_a_pool_is_said_once) {
  std::string text = checked();
  for (size_t at = text.find("web"); at != std::string::npos; at = text.find("web", at + 3)) {
    text.replace(at, 3, "www");
  }
  CertificateSeen second = seen({"*.example.org"});
  second.address = *parse_address("2001:db8:2::10");
  const auto problems = against(text, {seen({"*.example.org"}), second});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find("server \"www\""), std::string::npos);
}

struct ForceTest : testing::Test {
  TemporaryFolder folder;
  std::string config = folder.write("dam.yaml", kSamplePolicy);
  PolicyStore store{PolicyStore::kInMemory};
  std::vector<Problem> objections;
  RunningPolicy running{config,
                        store,
                        [](auto) {
                          Delivery delivery;
                          delivery.outcome = Delivery::Outcome::applied;
                          return delivery;
                        },
                        {},
                        [this](const Policy&) { return objections; }};
  const std::string other = sample_with("burst=100", "burst=7");

  void SetUp() override {
    ASSERT_TRUE(running.begin().in_force());
    objections = {{Severity::error, "", {}, "it covers too much", "force it"}};
  }
  static Intent forced() {
    Intent intent = Intent::of("somebody");
    intent.force = true;
    return intent;
  }
};

TEST_F(ForceTest, what_speaks_against_a_policy_refuses_it_unless_it_is_forced) {
  Intent dry = Intent::of("somebody");
  dry.dry_run = true;
  EXPECT_EQ(running.apply(other, "", dry).outcome, ChangeResult::Outcome::objected);
  const ChangeResult refused = running.apply(other, "", Intent::of("somebody"));
  EXPECT_EQ(refused.outcome, ChangeResult::Outcome::objected);
  EXPECT_EQ(refused.problems.at(0).message, "it covers too much");
  EXPECT_EQ(running.current()->version.number, 1);
  EXPECT_EQ(running.load_config().outcome, ChangeResult::Outcome::objected);
  const ChangeResult done = running.apply(other, "", forced());
  EXPECT_EQ(done.outcome, ChangeResult::Outcome::applied);
  EXPECT_EQ(done.problems.at(0).severity, Severity::warning);
  EXPECT_EQ(store.newest()->comment, "applied whole, by force");
}

TEST_F(ForceTest, rates_and_the_ways_back_need_no_force) {
  EXPECT_TRUE(running.change_zone("light", {{"light", "mode", "shadow"}}, {}).in_force());
  EXPECT_TRUE(running.roll_back(1, {}).in_force());
  Intent waits = forced();
  waits.confirm_within_s = 1;
  ASSERT_TRUE(running.apply(other, "", waits).in_force());
  EXPECT_TRUE(eventually([&] { return running.current()->version.text == kSamplePolicy; }));
}

// The whole way, with a real server.
TEST(Coalescing, what_the_checks_have_seen_speaks_against_the_next_policy_and_the_one_after) {
  signal(SIGPIPE, SIG_IGN);
  TemporaryFolder folder;
  Authority authority;
  authority.write(folder.path(), "wide", {{"www.example.org", "manage.example.org"}});
  const uint16_t port = free_port();
  Nginx nginx(folder.path(),
              "server { listen 127.0.0.1:" + std::to_string(port) + " ssl http2; ssl_certificate " +
                  folder.file("wide.pem") + "; ssl_certificate_key " + folder.file("wide.key") +
                  "; return 204; }\n",
              port);
  ASSERT_TRUE(nginx.running());
  Loaded loaded = load_policy(checked(", interval: 200ms, timeout: 200ms, ca: none"), "", ".");
  ASSERT_TRUE(loaded.policy);
  for (auto& server : loaded.policy->servers) {
    if (server.name != "web") continue;
    server.value.addresses = {{*parse_address("127.0.0.1"), {}}};
    server.value.port = port;
    server.value.proxy = Proxy::none;
  }
  const auto policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  const auto applied = [](const std::shared_ptr<const Policy>&) {
    Delivery delivery;
    delivery.outcome = Delivery::Outcome::applied;
    return delivery;
  };
  ServerStore words(ServerStore::kInMemory);
  Servers servers(words, {[](auto) { return true; }, [](const std::string&) { return false; },
                          [](const std::string&, const std::string&) {}});
  EXPECT_TRUE(servers.objections(*policy).empty());
  servers.put_in_force(policy, applied);
  EXPECT_TRUE(eventually([&] { return !servers.objections(*policy).empty(); }));
  EXPECT_TRUE(eventually([&] {
    const auto health = servers.look().at("web").health;
    return health->verdict == Verdict::up && health->findings.size() == 1;
  })) << "it is up all the same, with a word";
  servers.put_in_force(policy, applied);
  EXPECT_EQ(servers.objections(*policy).size(), 1u) << "what was seen is not forgotten";
}

}  // namespace
}  // namespace dam::control

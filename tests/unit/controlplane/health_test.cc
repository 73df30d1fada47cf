// SPDX-License-Identifier: BSD-3-Clause
// Checks against a real nginx, and what certificates mean for clients.
#include <gtest/gtest.h>
#include <signal.h>

#include <ctime>

#include "controlplane/health/checker.h"
#include "tests/unit/controlplane/health_servers.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

TEST(RiseFall, one_good_check_makes_an_unknown_server_up_and_only_so_many_bad_ones_down) {
  RiseFall server;
  EXPECT_EQ(server.note(false, 2, 3), Verdict::unknown);
  EXPECT_EQ(server.note(true, 2, 3), Verdict::up);
  EXPECT_EQ(server.note(false, 2, 3), Verdict::up);
  EXPECT_EQ(server.note(false, 2, 3), Verdict::up);
  EXPECT_EQ(server.note(true, 2, 3), Verdict::up) << "the row is broken";
  EXPECT_EQ(server.note(false, 2, 3), Verdict::up);
  EXPECT_EQ(server.note(false, 2, 3), Verdict::up);
  EXPECT_EQ(server.note(false, 2, 3), Verdict::down);
}

TEST(RiseFall, a_server_that_was_down_needs_so_many_good_ones_in_a_row) {
  RiseFall server;
  for (int i = 0; i < 3; ++i) server.note(false, 2, 3);
  ASSERT_EQ(server.verdict(), Verdict::down);
  EXPECT_EQ(server.note(true, 2, 3), Verdict::down);
  EXPECT_EQ(server.note(false, 2, 3), Verdict::down);
  EXPECT_EQ(server.note(true, 2, 3), Verdict::down);
  EXPECT_EQ(server.note(true, 2, 3), Verdict::up);
}

TEST(Jitter, stays_within_a_tenth_and_uses_all_of_it) {
  std::mt19937_64 dice(7);
  int64_t least = INT64_MAX, most = 0;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t ns = jittered(1'000'000'000, dice).count();
    least = std::min(least, ns);
    most = std::max(most, ns);
  }
  EXPECT_GE(least, 900'000'000);
  EXPECT_LE(most, 1'100'000'000);
  EXPECT_LT(least, 910'000'000);
  EXPECT_GT(most, 1'090'000'000);
}

std::string header(Proxy proxy, const char* client, const char* server = "198.18.1.10") {
  const auto who = client == nullptr ? std::nullopt : parse_address(client);
  return check_header(proxy, who, *parse_address(server), 443);
}

TEST(CheckHeader, names_nobody_or_the_client_as_the_specification_has_it) {
  EXPECT_EQ(header(Proxy::none, "192.0.2.1"), "");
  EXPECT_EQ(header(Proxy::v1, nullptr), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(header(Proxy::v1, "192.0.2.1"), "PROXY TCP4 192.0.2.1 198.18.1.10 40000 443\r\n");
  const std::string local = header(Proxy::v2, nullptr);
  EXPECT_EQ(local, std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16));
  const std::string v4 = header(Proxy::v2, "192.0.2.1");
  EXPECT_EQ(v4.substr(12),
            std::string("\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x12\x01\x0a\x9c\x40\x01\xbb", 16));
  const std::string v6 = header(Proxy::v2, "2001:db8::1");
  EXPECT_EQ(v6.size(), 16u + 36u);
  EXPECT_EQ(v6.substr(12, 4), std::string("\x21\x21\0\x24", 4));
}

// A certificate of the wish, as judged for `plan`.
struct JudgeTest : testing::Test {
  Authority authority;
  CheckPlan plan = loopback_plan(443, CheckKind::tls, Proxy::v2, "www.example.org", "none");

  std::vector<Finding> judged(const CertificateWish& wish, bool h2 = true,
                              const std::string& name = "www.example.org") {
    const auto key = new_key();
    return judge(ShownCertificate(authority.sign(wish, key.get())), plan, name, h2,
                 std::time(nullptr));
  }
  // The only finding's kind and whether it fails the check.
  static std::string only(const std::vector<Finding>& found) {
    if (found.size() != 1) return std::to_string(found.size()) + " findings";
    return std::string(finding_name(found[0].kind)) + (found[0].fails ? ", fails" : "");
  }
};

TEST_F(JudgeTest, a_good_one_is_nothing_to_speak_of) {
  EXPECT_TRUE(judged({{"www.example.org"}}).empty());
  EXPECT_TRUE(judged({{"*.example.org"}}).empty());
}

TEST_F(JudgeTest, dates) {
  EXPECT_EQ(only(judged({{"www.example.org"}, -7200, -3600})), "certificate_expired, fails");
  EXPECT_EQ(only(judged({{"www.example.org"}, 3600, 90 * 86'400})), "certificate_expired")
      << "this host's clock may be wrong";
  EXPECT_EQ(only(judged({{"www.example.org"}, -3600, 29 * 86'400})), "certificate_expires");
  EXPECT_EQ(judged({{"www.example.org"}, -3600, 31 * 86'400}).size(), 0u);
  EXPECT_NE(judged({{"www.example.org"}, -3600, 10 * 86'400 + 60})[0].message.find("in 10 days"),
            std::string::npos);
}

// Whoever is to renew it has to get there.
TEST_F(JudgeTest, no_certificate_closes_the_way_to_management) {
  plan.management = true;
  EXPECT_EQ(only(judged({{"www.example.org"}, -7200, -3600})), "certificate_expired");
  EXPECT_EQ(only(judged({{"other.example.org"}})), "certificate_name");
}

TEST_F(JudgeTest, a_name_that_it_does_not_cover) {
  const auto found = judged({{"other.example.org"}});
  EXPECT_EQ(only(found), "certificate_name, fails");
  EXPECT_NE(found[0].message.find("\"www.example.org\""), std::string::npos);
  EXPECT_EQ(only(judged({{"www.example.org"}}, true, "shop.example.org")), "certificate_name")
      << "another of its names is worth a word, and does not take the server down";
}

TEST_F(JudgeTest, a_name_that_is_routed_to_another_server) {
  plan.other_names = {{"manage.example.org", "manage", "back-office"}};
  const auto found = judged({{"www.example.org", "manage.example.org"}});
  EXPECT_EQ(only(found), "coalescing") << "what runs does not go dark for it";
  EXPECT_NE(
      found[0].message.find("\"manage.example.org\", which is routed to server \"back-office\""),
      std::string::npos)
      << found[0].message;
  EXPECT_EQ(only(judged({{"*.example.org"}})), "coalescing") << "a wildcard covers it too";
  EXPECT_TRUE(judged({{"www.example.org", "manage.example.org"}}, false).empty())
      << "without HTTP/2 no browser does it";
  EXPECT_TRUE(judged({{"www.example.org"}}).empty());
}

TEST_F(JudgeTest, wildcard_routes_of_others) {
  plan.other_names = {{"*.apps.example.org", "apps", "apps"}};
  EXPECT_EQ(only(judged({{"www.example.org", "*.apps.example.org"}})), "coalescing");
  EXPECT_TRUE(judged({{"*.example.org"}}).empty()) << "a wildcard covers one label";
}

// nginx with PROXY on `proxied`, without it on `plain`; both with a good certificate.
struct NginxTest : testing::Test {
  TemporaryFolder folder;
  Authority authority;
  std::string ca = folder.write("ca.pem", authority.pem());
  uint16_t proxied = free_port();
  uint16_t plain = free_port();
  uint16_t unencrypted = free_port();
  std::unique_ptr<Nginx> nginx;
  Authorities authorities;
  bool dam_sees = false;

  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);  // as the program does
    authority.write(folder.file(""), "www", {{"www.example.org"}});
    authority.write(folder.file(""), "old", {{"old.example.org"}, -7200, -3600});
    const auto server = [&](uint16_t port, const std::string& more, const std::string& name,
                            const std::string& cert) {
      return "server { listen 127.0.0.1:" + std::to_string(port) + more + "; server_name " + name +
             (cert.empty() ? ""
                           : "; ssl_certificate " + folder.file(cert + ".pem") +
                                 "; ssl_certificate_key " + folder.file(cert + ".key")) +
             "; location /well { return 204; } location / { return 503; } }\n";
    };
    nginx = std::make_unique<Nginx>(
        folder.file(""),
        server(proxied, " ssl http2 proxy_protocol", "www.example.org", "www") +
            server(proxied, " ssl http2 proxy_protocol", "old.example.org", "old") +
            server(plain, " ssl http2", "www.example.org", "www") +
            server(unencrypted, " proxy_protocol", "www.example.org", ""),
        unencrypted);
    ASSERT_TRUE(nginx->running()) << "nginx is in tools/packages";
  }

  Round look(const CheckPlan& plan, uint64_t turn = 0) {
    return look_at(
        plan, turn, [this] { return dam_sees; }, authorities);
  }
  CheckPlan https(uint16_t port, Proxy proxy, const std::string& path) {
    CheckPlan plan = loopback_plan(port, CheckKind::https, proxy, "www.example.org", ca);
    plan.check.path.value = path;
    return plan;
  }
};

using RoundIs = Round::Outcome;

TEST_F(NginxTest, each_kind_of_check_goes_through_each_header) {
  for (const Proxy proxy : {Proxy::v1, Proxy::v2}) {
    for (const char* client : {"", "192.0.2.7"}) {
      for (const CheckKind kind : {CheckKind::tcp, CheckKind::tls, CheckKind::https}) {
        CheckPlan plan = https(proxied, proxy, "/well");
        plan.kind = kind;
        if (*client != '\0') plan.check.client = Located<Address>{*parse_address(client), {}};
        const Round round = look(plan);
        EXPECT_EQ(round.outcome, RoundIs::well) << round.words;
        EXPECT_TRUE(round.findings.empty());
      }
    }
  }
  CheckPlan http = https(unencrypted, Proxy::v2, "/well");
  http.kind = CheckKind::http;
  EXPECT_EQ(look(http).words, "HTTP status 204");
  EXPECT_EQ(look(https(plain, Proxy::none, "/well")).outcome, RoundIs::well);
}

TEST_F(NginxTest, a_status_that_is_not_expected_fails) {
  EXPECT_EQ(look(https(proxied, Proxy::v2, "/")).words,
            "HTTP status 503, which is not among those expected");
  CheckPlan plan = https(proxied, Proxy::v2, "/");
  plan.check.expect = {{{500, 599}, {}}};
  EXPECT_EQ(look(plan).outcome, RoundIs::well);
}

TEST_F(NginxTest, a_server_that_does_not_speak_proxy_and_one_that_wants_it_are_told_in_words) {
  for (const auto& [port, proxy, says, write] :
       {std::tuple(plain, Proxy::v2,
                   "does not speak the PROXY protocol, though the policy says "
                   "`proxy: v2`",
                   "write `proxy: none` at server \"web\""),
        std::tuple(plain, Proxy::v1, "does not speak the PROXY protocol", "write `proxy: none`"),
        std::tuple(proxied, Proxy::none,
                   "expects a PROXY header, though the policy says "
                   "`proxy: none`",
                   "write `proxy: v2`")}) {
    for (const CheckKind kind : {CheckKind::tls, CheckKind::https}) {
      CheckPlan plan = https(port, proxy, "/well");
      plan.kind = kind;
      const Round round = look(plan);
      EXPECT_EQ(round.outcome, RoundIs::failed);
      ASSERT_EQ(round.findings.size(), 1u) << round.words;
      EXPECT_EQ(round.findings[0].kind, FindingKind::proxy_mismatch);
      EXPECT_NE(round.findings[0].message.find(says), std::string::npos)
          << round.findings[0].message;
      EXPECT_NE(round.findings[0].hint.find(write), std::string::npos) << round.findings[0].hint;
      EXPECT_EQ(round.words, round.findings[0].message);
    }
  }
}

TEST_F(NginxTest, a_server_that_is_wrong_in_another_way_is_not_blamed_for_its_header) {
  EXPECT_TRUE(look(https(proxied, Proxy::v2, "/")).findings.empty());
  EXPECT_TRUE(look(https(plain, Proxy::none, "/")).findings.empty());
}

std::vector<std::string> kinds(const Round& round) {
  std::vector<std::string> list;
  for (const CertificateSeen& seen : round.certificates) {
    for (const Finding& finding : seen.findings) list.emplace_back(finding_name(finding.kind));
  }
  return list;
}

TEST_F(NginxTest, the_authority_is_the_checks_or_the_systems) {
  EXPECT_EQ(kinds(look(https(proxied, Proxy::v2, "/well"))), std::vector<std::string>{});
  for (const char* other : {"", "system"}) {
    CheckPlan plan = https(proxied, Proxy::v2, "/well");
    plan.check.ca.value = other;
    EXPECT_EQ(kinds(look(plan)), std::vector<std::string>{"certificate_chain"});
  }
  CheckPlan anybody = https(proxied, Proxy::v2, "/well");
  anybody.check.ca.value = "none";
  EXPECT_EQ(kinds(look(anybody)), std::vector<std::string>{});
  anybody.check.ca.value = folder.file("missing.pem");
  EXPECT_EQ(look(anybody).outcome, RoundIs::unchecked) << "not the server's fault";
}

TEST_F(NginxTest, every_name_of_the_server_has_its_turn) {
  CheckPlan plan = https(proxied, Proxy::v2, "/well");
  plan.own_names = {"www.example.org", "old.example.org", "new.example.org"};
  EXPECT_EQ(kinds(look(plan, 0)), std::vector<std::string>{});
  EXPECT_EQ(kinds(look(plan, 1)), std::vector<std::string>{"certificate_expired"});
  EXPECT_EQ(kinds(look(plan, 2)), std::vector<std::string>{"certificate_name"});
  EXPECT_LT(look(plan, 1).certificates.at(0).ends_unix(), std::time(nullptr));
}

TEST_F(NginxTest, what_this_host_alone_cannot_reach_says_nothing) {
  const CheckPlan nobody = https(free_port(), Proxy::v2, "/well");
  EXPECT_EQ(look(nobody).outcome, RoundIs::failed);
  EXPECT_EQ(look(nobody).words, "refuses the connection: nothing listens there");
  dam_sees = true;
  const Round round = look(nobody);
  EXPECT_EQ(round.outcome, RoundIs::unchecked);
  ASSERT_EQ(round.findings.size(), 1u);
  EXPECT_EQ(round.findings[0].kind, FindingKind::unchecked);
}

TEST_F(NginxTest, the_checker_keeps_a_failing_name_failing_whoevers_turn_it_is) {
  Checker checker({[](const std::string&) { return false; }, [] {},
                   [](const std::string&, const std::string&) {}});
  CheckPlan plan = https(proxied, Proxy::v2, "/well");
  plan.name = "old.example.org";
  plan.own_names = {"www.example.org", "old.example.org"};
  plan.check.interval_ns = 20'000'000;
  plan.check.fall = 5;
  checker.replan({plan});
  EXPECT_TRUE(eventually([&] { return checker.health()["web"].verdict == Verdict::down; }));
  const ServerHealth health = checker.health()["web"];
  EXPECT_NE(health.words.find("has expired"), std::string::npos) << health.words;
  EXPECT_LT(health.certificate_ends_unix, std::time(nullptr));
}

TEST_F(NginxTest, the_checker_says_each_thing_once_and_spares_who_is_disabled) {
  std::mutex mutex;
  std::vector<std::string> said;
  std::atomic<int> changes{0};
  Checker checker({[](const std::string&) { return false; }, [&] { ++changes; },
                   [&](const std::string&, const std::string& sentence) {
                     const std::lock_guard lock(mutex);
                     said.push_back(sentence);
                   }});
  CheckPlan plan = https(plain, Proxy::v2, "/well");
  plan.check.interval_ns = 20'000'000;
  checker.replan({plan});
  EXPECT_TRUE(eventually([&] { return checker.health()["web"].verdict == Verdict::down; }));
  const int64_t seen = changes;
  plan.proxy = Proxy::none;
  checker.replan({plan});
  EXPECT_TRUE(eventually([&] { return checker.health()["web"].verdict == Verdict::up; }));
  EXPECT_TRUE(eventually([&] { return changes > seen; }));
  checker.spare({"web"});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // one may be under way
  nginx.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(checker.health()["web"].verdict, Verdict::up) << "nobody looks at it";
  checker.spare({});
  EXPECT_TRUE(eventually([&] { return checker.health()["web"].verdict == Verdict::down; }));
  const std::lock_guard lock(mutex);
  int mismatches = 0;
  for (const std::string& sentence : said) {
    mismatches += sentence.find("does not speak the PROXY protocol") != std::string::npos &&
                          sentence.find("; write") != std::string::npos
                      ? 1
                      : 0;
  }
  EXPECT_EQ(mismatches, 1);
}

}  // namespace
}  // namespace dam::control

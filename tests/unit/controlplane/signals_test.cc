// SPDX-License-Identifier: BSD-3-Clause
// From a server's line to a ban: whom, where, and how many at most.
#include "controlplane/signals/signals.h"

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr char kSignalRules[] = R"(
admin: [203.0.113.50, "2001:db8:c::/48"]
signals:
  listen: 198.18.1.1:5514
  from: [web, 198.18.1.77]
  most: {bans_per_minute: 3, bans: 5, signals_per_second: 100, throttles: 2}
  rules:
    - {name: probing, status: [401, 403-404, 429], rate: "6r/m burst=5", ban: 10m}
    - {name: honey, path: [/wp-login.php, /.env], ban: 1h}
    - {name: login, class: login, rate: "1r/s burst=2", ban: 5m}
    - {name: trial, path: /trial, ban: 5m, mode: shadow}
    - {name: search, class: search, rate: "1r/s burst=2", charge: {requests: 20, connections: 1}}
    - {name: scan, class: scan, rate: "6r/m burst=3", throttle: {to: 20%, for: 10m}}
)";

struct SignalsTest : testing::Test {
  BanStore store{BanStore::kInMemory};
  std::shared_ptr<const Policy> policy = loaded(std::string(kSamplePolicy) + kSignalRules);
  int64_t now_unix = 1'000'000;
  uint64_t now_ns = 1'000'000'000;
  BanBook book{store, [this] { return policy; }, [this] { return now_unix; }};
  std::vector<std::string> told;
  Signals signals{book,
                  [this] { return policy; },
                  [this] { return now_ns; },
                  [this](const std::string& who, const std::string& what) {
                    told.push_back(who + ": " + what);
                  },
                  {},
                  {[this](const Network& source, const SignalCharge& charge) {
                     paid[source.text()] += charge.requests + 1000 * charge.connections;
                     return true;
                   },
                   [this](const SourceThrottle& wanted, uint64_t most) {
                     SourceThrottle until = wanted;
                     until.until_ns += now_ns;
                     return throttles.add(until, most, now_ns);
                   }}};
  SourceThrottles throttles;
  std::map<std::string, uint64_t> paid;  // requests, and thousands of connections

  static std::shared_ptr<const Policy> loaded(const std::string& text) {
    const auto load = load_policy(text, "dam.yaml", ".");
    EXPECT_TRUE(load.policy) << load.problems.size();
    return std::make_shared<const Policy>(*load.policy);
  }
  static Signal of(const std::string& client, const std::string& path, uint16_t status = 404) {
    return {*parse_address(client), status, path};
  }
  Signals::Taken take(const Signal& signal, const std::string& server = "web") {
    return signals.take(server, {signal});
  }
  void line(const std::string& sender, const std::string& text) {
    signals.take_line(*parse_address(sender), "<190>Nov 30 00:24:44 web nginx: " + text);
  }
  std::vector<KeptBan> bans() { return book.list({}).bans; }
  uint64_t refused(SignalRefusal why) { return signals.totals().refused[static_cast<size_t>(why)]; }
  uint64_t ended(const std::string& rule, SignalEnd end) {
    return signals.totals().ends.at(rule)[static_cast<size_t>(end)];
  }
  // "light 198.51.100.7/32", sorted as they are told.
  std::vector<std::string> changes() {
    std::vector<std::string> texts;
    for (const auto& one : book.zone_changes(1000)) {
      texts.push_back(one.zone + " " + one.source.text() + (one.until_unix == 0 ? " no more" : ""));
    }
    return texts;
  }
};

TEST_F(SignalsTest, a_honey_path_bans_at_once_and_says_by_which_rule_and_server) {
  line("198.18.1.10", "dam client=198.51.100.7 status=404 path=/a/..//wp-login.php?x");
  ASSERT_EQ(bans().size(), 1u);
  const KeptBan ban = bans()[0];
  EXPECT_EQ(ban.source.text(), "198.51.100.7/32");
  EXPECT_EQ(ban.origin, "signal honey");
  EXPECT_EQ(ban.author, "web");
  EXPECT_EQ(ban.reason, "the last one: 404 /wp-login.php");
  EXPECT_EQ(ban.until_unix, now_unix + 3600);
  EXPECT_EQ(ended("honey", SignalEnd::banned), 1u);
}

// The list of the whole dam would shut them out of management, too: nothing of it goes there.
TEST_F(SignalsTest, the_ban_is_told_to_service_zones_alone) {
  take(of("198.51.100.7", "/.env"));
  EXPECT_EQ(changes(), std::vector<std::string>{"light 198.51.100.7/32"});
  const auto news = book.news_for(0);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->add_size(), 0);
  EXPECT_TRUE(bans()[0].in_services);
}

TEST_F(SignalsTest, statuses_over_the_rate_ban_and_others_count_for_nothing) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(take(of("198.51.100.7", "/x", 404)).banned, 0u);
  for (int i = 0; i < 50; ++i) take(of("198.51.100.7", "/x", 200));
  EXPECT_TRUE(bans().empty());
  EXPECT_EQ(take(of("198.51.100.8", "/x", 404)).banned, 0u);
  EXPECT_EQ(take(of("198.51.100.7", "/x", 429)).banned, 1u);
  EXPECT_EQ(bans()[0].origin, "signal probing");
}

TEST_F(SignalsTest, classes_are_the_servers_own_words) {
  Signal login = of("198.51.100.7", "/x", 200);
  login.class_name = "login";
  EXPECT_EQ(take(login).banned + take(login).banned, 0u);
  EXPECT_EQ(take(login).banned, 1u);
}

TEST_F(SignalsTest, ipv6_sources_are_banned_by_the_prefix_that_the_policy_has) {
  take(of("2001:db8:5::7", "/.env"));
  EXPECT_EQ(bans().at(0).source.text(), "2001:db8:5::/64");
}

TEST_F(SignalsTest, administrators_and_the_site_itself_are_never_banned) {
  for (const char* one : {"203.0.113.50", "2001:db8:c::1", "198.18.1.10", "198.51.100.2"}) {
    take(of(one, "/.env"));
  }
  EXPECT_TRUE(bans().empty());
  EXPECT_EQ(ended("honey", SignalEnd::spared), 4u);
  EXPECT_EQ(take(of("198.51.100.7", "/.env")).banned, 1u) << "nothing was used up";
}

TEST_F(SignalsTest, who_is_not_named_is_not_heard) {
  line("198.18.1.99", "dam client=198.51.100.7 path=/.env");
  line("198.18.1.11", "dam client=198.51.100.7 path=/.env");  // a server, but not of those
  EXPECT_EQ(refused(SignalRefusal::stranger), 2u);
  line("198.18.1.77", "dam client=198.51.100.7 path=/.env");
  EXPECT_EQ(bans().at(0).author, "198.18.1.77");
  line("198.18.1.10", "hello");
  EXPECT_EQ(refused(SignalRefusal::malformed), 1u);
  EXPECT_EQ(signals.totals().accepted, 1u);
}

TEST_F(SignalsTest, one_server_causes_so_many_bans_a_minute_and_another_has_its_own) {
  for (int i = 1; i <= 9; ++i) take(of("198.51.100." + std::to_string(100 + i), "/.env"));
  EXPECT_EQ(bans().size(), 3u);
  EXPECT_EQ(ended("honey", SignalEnd::capped), 6u);
  EXPECT_EQ(told, std::vector<std::string>{
                      "web: signals of web ban nobody for now: signals.most.bans_per_minute is "
                      "reached"});
  EXPECT_EQ(take(of("198.51.100.9", "/.env"), "app").banned, 1u);
  now_ns += 20'000'000'000;
  EXPECT_EQ(take(of("198.51.100.10", "/.env")).banned, 1u);
  EXPECT_EQ(take(of("198.51.100.11", "/.env")).banned, 0u);
  now_ns += 60'000'000'000;
  EXPECT_EQ(take(of("198.51.100.12", "/.env")).banned, 1u);
  EXPECT_EQ(take(of("198.51.100.13", "/.env")).banned, 0u) << "it has all of most.bans";
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(take(of("198.51.100.14", "/.env"), "app").banned, 1u) << "another has its own";
  now_unix += 3601;
  EXPECT_EQ(take(of("198.51.100.13", "/.env")).banned, 1u) << "they have ended";
}

// Else a server that somebody has taken over could have the book looked through, and written, as
// often as it tells.
TEST_F(SignalsTest, what_a_cap_refuses_is_one_of_the_minutes) {
  for (int i = 3; i <= 7; ++i) {
    take(of("198.51.100." + std::to_string(i), "/.env"));
    now_ns += 60'000'000'000;
  }
  ASSERT_EQ(bans().size(), 5u) << "all of most.bans";
  told.clear();
  for (int i = 10; i < 20; ++i) take(of("198.51.100." + std::to_string(i), "/.env"));
  EXPECT_EQ(ended("honey", SignalEnd::capped), 10u);
  EXPECT_EQ(book.lift(*parse_network("198.51.100.3")).outcome, BanResult::Outcome::done);
  EXPECT_EQ(take(of("198.51.100.30", "/.env")).banned, 0u) << "three tries were the minute's";
  now_ns += 60'000'000'000;
  EXPECT_EQ(take(of("198.51.100.30", "/.env")).banned, 1u);
}

// They are looked for before anything is: whoever tells of them costs next to nothing.
TEST_F(SignalsTest, whom_none_may_ban_is_spared_where_the_minutes_bans_are_used_up) {
  for (int i = 1; i <= 3; ++i) take(of("198.51.100." + std::to_string(100 + i), "/.env"));
  for (int i = 0; i < 20; ++i) take(of("203.0.113.50", "/.env"));
  EXPECT_EQ(ended("honey", SignalEnd::spared), 20u);
  EXPECT_EQ(ended("honey", SignalEnd::capped), 0u);
  EXPECT_TRUE(told.empty());
}

// However a ban ends, another one has its place.
TEST_F(SignalsTest, places_under_a_cap_are_free_after_an_end_a_lift_and_an_operators_word) {
  const auto fill = [this] {
    for (int i = 40; i < 60; ++i) {
      now_ns += 60'000'000'000;
      take(of("198.51.100." + std::to_string(i), "/.env"));
    }
    size_t of_signals = 0;
    for (const KeptBan& ban : bans()) of_signals += ban.in_services ? 1 : 0;
    return of_signals;
  };
  EXPECT_EQ(fill(), 5u);
  book.lift(*parse_network("198.51.100.41"));
  BanRequest request;
  request.source = *parse_network("198.51.100.42");
  book.ban({request}, {"alice", {}});
  EXPECT_EQ(fill(), 5u);
  now_unix += 2 * 3600;
  EXPECT_EQ(fill(), 5u);
  EXPECT_EQ(signals.totals().ends.at("honey")[static_cast<size_t>(SignalEnd::banned)], 5u + 2 + 5);
  BanBook after(
      store, [this] { return policy; }, [this] { return now_unix; });
  const BanRequest another{*parse_network("198.51.100.70"), 60, {}, "", {}, ""};
  EXPECT_EQ(after.ban_in_services(another, {"web", {}}, 5).outcome, BanResult::Outcome::full)
      << "and they are known after a restart";
}

TEST_F(SignalsTest, each_one_too_many_costs_the_source_and_bans_it_not) {
  Signal search = of("198.51.100.7", "/search", 200);
  search.class_name = "search";
  take(search);
  take(search);
  EXPECT_TRUE(paid.empty()) << "within the rate";
  for (int i = 0; i < 3; ++i) take(search);
  EXPECT_EQ(paid, (std::map<std::string, uint64_t>{{"198.51.100.7/32", 3 * 1020}}));
  EXPECT_EQ(ended("search", SignalEnd::charged), 3u);
  EXPECT_TRUE(bans().empty());
  now_ns += 1'000'000'000;
  take(search);
  EXPECT_EQ(ended("search", SignalEnd::charged), 3u) << "and one a second is within it again";
  for (const char* one : {"203.0.113.50", "198.18.1.10"}) {
    search.client = *parse_address(one);
    for (int i = 0; i < 5; ++i) take(search);
  }
  EXPECT_EQ(paid.size(), 1u) << "an administrator, a server";
  EXPECT_EQ(ended("search", SignalEnd::spared), 2u * 3);
}

TEST_F(SignalsTest, one_server_causes_so_many_charges_a_second) {
  Signal search = of("198.51.100.7", "/search", 200);
  search.class_name = "search";
  for (int i = 0; i < 150; ++i) take(search);
  EXPECT_EQ(ended("search", SignalEnd::charged), 100u);
  EXPECT_EQ(ended("search", SignalEnd::capped), 48u);
  EXPECT_EQ(told, std::vector<std::string>{"web: signals of web charge nobody for now: "
                                           "signals.most.charges_per_second is reached"});
  EXPECT_EQ(take(of("198.51.100.8", "/.env")).banned, 1u) << "bans are counted by themselves";
}

TEST_F(SignalsTest, a_source_over_a_rule_is_slowed_for_a_while) {
  Signal scan = of("198.51.100.7", "/scan", 200);
  scan.class_name = "scan";
  const auto tell = [&](const std::string& client, int times) {
    scan.client = *parse_address(client);
    for (int i = 0; i < times; ++i) take(scan);
  };
  tell("198.51.100.7", 3);
  EXPECT_TRUE(throttles.empty()) << "within the rate";
  tell("198.51.100.7", 1);
  const auto found = throttles.find(scan.client, now_ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_percent, 20u);
  EXPECT_EQ(found->until_ns, now_ns + 600'000'000'000);
  EXPECT_EQ(found->server + " " + found->rule, "web scan");
  EXPECT_EQ(ended("scan", SignalEnd::throttled), 1u);
  tell("203.0.113.50", 5);
  EXPECT_EQ(ended("scan", SignalEnd::spared), 1u) << "an administrator";
  tell("198.51.100.8", 4);
  tell("198.51.100.9", 4);
  EXPECT_EQ(throttles.size(), 2u);
  EXPECT_EQ(ended("scan", SignalEnd::capped), 1u) << "signals.most.throttles";
  EXPECT_EQ(told, std::vector<std::string>{"web: signals of web throttle nobody for now: "
                                           "signals.most.throttles is reached"});
  EXPECT_TRUE(bans().empty());
}

TEST_F(SignalsTest, a_server_that_tells_too_much_is_not_heard_for_the_rest) {
  std::vector<Signal> many(500, of("198.51.100.7", "/x", 200));
  const auto taken = signals.take("web", many);
  EXPECT_EQ(taken.accepted, 200u);
  EXPECT_EQ(taken.refused, 300u);
  EXPECT_EQ(refused(SignalRefusal::too_many), 300u);
  EXPECT_EQ(take(of("198.51.100.7", "/x", 200), "app").accepted, 1u);
}

TEST_F(SignalsTest, shadow_counts_and_bans_nobody) {
  take(of("198.51.100.7", "/trial"));
  EXPECT_EQ(ended("trial", SignalEnd::shadow), 1u);
  EXPECT_TRUE(bans().empty());
}

TEST_F(SignalsTest, what_comes_after_the_ban_neither_lengthens_it_nor_uses_anything_up) {
  take(of("198.51.100.7", "/.env"));
  const int64_t until_unix = bans()[0].until_unix;
  now_unix += 100;
  for (int i = 0; i < 20; ++i) take(of("198.51.100.7", "/.env"));
  EXPECT_EQ(bans()[0].until_unix, until_unix);
  EXPECT_EQ(ended("honey", SignalEnd::held), 20u);
  EXPECT_EQ(take(of("198.51.100.8", "/.env")).banned, 1u);
  now_unix = until_unix + 1;
  take(of("198.51.100.7", "/.env"));
  EXPECT_EQ(bans().back().times + bans().front().times, 3) << "a repeat lasts longer";
}

TEST_F(SignalsTest, an_operators_word_stays) {
  BanRequest request;
  request.source = *parse_network("198.51.100.7");
  request.for_s = 60;
  book.ban({request}, {"alice", {}});
  take(of("198.51.100.7", "/.env"));
  EXPECT_EQ(bans().at(0).author, "alice");
  take(of("198.51.100.8", "/.env"));
  changes();
  book.lift(*parse_network("198.51.100.8"));
  EXPECT_EQ(bans().size(), 1u);
  EXPECT_EQ(changes(), std::vector<std::string>{" 198.51.100.8/32 no more"});
}

TEST_F(SignalsTest, a_lift_is_the_last_word_to_the_zones) {
  take(of("198.51.100.7", "/.env"));
  book.lift(*parse_network("198.51.100.7"));
  EXPECT_EQ(changes(), std::vector<std::string>{" 198.51.100.7/32 no more"});
}

TEST_F(SignalsTest, the_zones_hear_of_all_again_under_another_policy_and_after_a_restart) {
  take(of("198.51.100.7", "/.env"));
  book.tell_services(false);
  changes();
  book.tell_services(false);
  EXPECT_TRUE(changes().empty());
  book.tell_services(true);
  EXPECT_EQ(changes(), std::vector<std::string>{"light 198.51.100.7/32"});
  policy = loaded(sample_with("zones:\n", "zones:\n  heavy: {}\n  front: {}\n") + kSignalRules);
  book.tell_services(false);
  EXPECT_EQ(changes(),
            (std::vector<std::string>{"heavy 198.51.100.7/32", "light 198.51.100.7/32"}));
  BanBook after(
      store, [this] { return policy; }, [this] { return now_unix; });
  after.tell_services(false);
  EXPECT_EQ(after.zone_changes(1000).size(), 2u) << "it was kept on the disk";
}

// What the dataplane lists of it is no zone's own: it does not grow, nor end, by that.
TEST_F(SignalsTest, the_dataplanes_list_of_zones_bans_changes_nothing_of_it) {
  take(of("198.51.100.7", "/.env"));
  changes();
  v1::ZoneBan seen;
  seen.mutable_source()->set_address(parse_address("198.51.100.7")->wire());
  seen.mutable_source()->set_prefix_bits(32);
  seen.set_zone("light");
  seen.set_until_unix_ms(static_cast<uint64_t>(bans()[0].until_unix) * 1000 + 1);
  book.note_zone_bans({}, true);
  book.note_zone_bans({seen}, true);
  ASSERT_EQ(bans().size(), 1u);
  EXPECT_EQ(bans()[0].origin, "signal honey");
  now_unix = bans()[0].until_unix;
  book.note_zone_bans({seen}, true);  // read before it ended
  EXPECT_TRUE(bans().empty());
  EXPECT_TRUE(changes().empty());
}

}  // namespace
}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Who may be banned, for how long the next time, and what the dataplane is told.
#include "controlplane/bans/ban_book.h"

#include "controlplane/bans/ban_lines.h"
#include "controlplane/bans/ban_sync.h"
#include "controlplane/bans/ban_terms.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

constexpr int64_t kHour = 3600;

BanRequest request_of(const std::string& source, std::optional<int64_t> for_s = kHour) {
  BanRequest request;
  request.source = parse_network(source)->masked();
  request.for_s = for_s;
  return request;
}

v1::ZoneBan zone_ban(const std::string& source, int64_t until_unix) {
  const Network network = *parse_network(source);
  v1::ZoneBan ban;
  ban.mutable_source()->set_address(network.address.wire());
  ban.mutable_source()->set_prefix_bits(network.prefix_bits);
  ban.set_zone("heavy");
  ban.set_until_unix_ms(static_cast<uint64_t>(until_unix) * 1000);
  ban.set_violations(5);
  return ban;
}

struct BanBookTest : testing::Test {
  BanStore store{BanStore::kInMemory};
  std::shared_ptr<const Policy> policy = loaded("");
  int64_t now = 1'000'000;
  std::unique_ptr<BanBook> book_ = fresh();

  static std::shared_ptr<const Policy> loaded(const std::string& more) {
    return std::make_shared<const Policy>(
        *load_policy(
             std::string(kSamplePolicy) + "admin: [203.0.113.50, \"2001:db8:c::/48\"]\n" + more, "",
             ".")
             .policy);
  }
  std::unique_ptr<BanBook> fresh() {
    return std::make_unique<BanBook>(
        store, [this] { return policy; }, [this] { return now; });
  }
  BanBook& book() { return *book_; }
  BanResult ban(const BanRequest& request, const Asker& asker = {"somebody", {}}) {
    return book().ban({request}, asker);
  }
  int64_t length_of(const BanResult& result) { return result.bans.at(0).until_unix - now; }
  std::string refusal(const std::string& source, const Asker& asker = {"somebody", {}}) {
    const BanResult result = ban(request_of(source), asker);
    EXPECT_EQ(result.outcome, BanResult::Outcome::refused) << source;
    return result.problems.empty() ? "" : result.problems[0].message;
  }
  std::optional<KeptBan> kept(const std::string& address) {
    BanBook::Query query;
    query.address = parse_address(address);
    const auto page = book().list(query);
    return page.bans.empty() ? std::nullopt : std::optional(page.bans[0]);
  }
};

TEST_F(BanBookTest, each_repeat_within_the_time_lasts_longer_up_to_the_longest) {
  policy = loaded("bans: {repeat_within: 2h, repeat_factor: 3, longest: 10h}\n");
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), kHour);
  now += kHour + 1;
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), 3 * kHour);
  EXPECT_EQ(kept("198.51.100.7")->times, 2);
  now += 3 * kHour + 1;
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), 9 * kHour);
  now += 9 * kHour + 1;
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), 10 * kHour) << "the longest";
  now += 10 * kHour + 2 * kHour + 1;
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), kHour) << "forgotten";
  EXPECT_EQ(length_of(ban(request_of("198.51.100.8", 20 * kHour))), 20 * kHour) << "asked for";
}

TEST_F(BanBookTest, a_ban_that_holds_is_changed_and_counts_once) {
  ban(request_of("198.51.100.7"));
  now += 60;
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7", 600))), 600);
  EXPECT_EQ(kept("198.51.100.7")->times, 1);
  EXPECT_EQ(ban(request_of("198.51.100.7", std::nullopt)).bans[0].until_unix, KeptBan::kForEver);
}

TEST_F(BanBookTest, a_lifted_ban_is_forgotten) {
  ban(request_of("198.51.100.7"));
  EXPECT_EQ(book().lift(*parse_network("198.51.100.7")).outcome, BanResult::Outcome::done);
  EXPECT_FALSE(kept("198.51.100.7"));
  EXPECT_EQ(book().lift(*parse_network("198.51.100.7")).outcome, BanResult::Outcome::unknown);
  EXPECT_EQ(length_of(ban(request_of("198.51.100.7"))), kHour);
  EXPECT_EQ(kept("198.51.100.7")->times, 1);
}

uint64_t of(const PerBanOrigin& counts, BanOrigin origin) {
  return counts[static_cast<size_t>(origin)];
}

TEST_F(BanBookTest, begun_lifted_expired_and_held_are_counted_by_origin) {
  ban(request_of("198.51.100.7"));
  ban(request_of("198.51.100.7", 600));  // changed, not begun
  ban(request_of("198.51.100.8", std::nullopt));
  Asker list{"somebody", {}};
  list.origin = "import";
  book().ban({request_of("198.51.100.16/28"), request_of("198.51.100.32/28")}, list);
  book().note_zone_bans({zone_ban("198.51.100.9", now + 60)}, true);
  book().lift(*parse_network("198.51.100.32/28"));
  BanCounts counts = book().counts(0);
  EXPECT_EQ(counts.begun, (PerBanOrigin{2, 2, 1, 0}));
  EXPECT_EQ(counts.held, (PerBanOrigin{2, 1, 1, 0}));
  EXPECT_EQ(counts.lifted, (PerBanOrigin{0, 1, 0, 0}));
  EXPECT_EQ(counts.expired, PerBanOrigin{});
  now += 61;
  ban(request_of("198.51.100.11"));  // whatever comes first notes what has ended
  EXPECT_EQ(of(book().counts(0).expired, BanOrigin::zone), 1u);
  book().note_zone_bans({zone_ban("198.51.100.9", now + 60)}, true);  // it came back
  EXPECT_EQ(of(book().counts(0).begun, BanOrigin::repeat), 1u);
  now += kHour;
  counts = book().counts(0);
  EXPECT_EQ(counts.expired, (PerBanOrigin{2, 1, 1, 1}));
  EXPECT_EQ(counts.held, (PerBanOrigin{1, 0, 0, 0}));
  EXPECT_EQ(counts.at_most, 200'000u);
  const EndedByOrigin ended = book().ended();
  EXPECT_EQ(ended.at("operator").count, 2u);
  EXPECT_EQ(ended.at("zone heavy").count, 2u);
  EXPECT_EQ(ended.at("import").last, "198.51.100.16/28");
}

TEST_F(BanBookTest, a_ban_that_was_made_longer_or_lifted_does_not_end_at_its_old_time) {
  ban(request_of("198.51.100.7", 60));
  ban(request_of("198.51.100.7", 600));
  ban(request_of("198.51.100.8", 60));
  book().lift(*parse_network("198.51.100.8"));
  now += 61;
  EXPECT_TRUE(book().ended().empty());
  for (int i = 0; i < 5000; ++i) ban(request_of("198.51.100.7", 600 + i));  // old ends are dropped
  now += 600 + 4999;
  EXPECT_EQ(book().ended().at("operator").count, 1u);
}

TEST_F(BanBookTest, what_has_ended_before_the_start_is_no_news) {
  ban(request_of("198.51.100.7", 60));
  ban(request_of("198.51.100.8", 600));
  now += 61;
  book_ = fresh();
  EXPECT_TRUE(book().ended().empty());
  now += 600;
  EXPECT_EQ(book().ended().at("operator").last, "198.51.100.8/32");
}

TEST_F(BanBookTest, the_version_in_force_is_the_one_that_the_dataplane_says_it_has) {
  ban(request_of("198.51.100.7"));
  const uint64_t wanted = book().counts(0).version;
  EXPECT_EQ(book().counts(0).in_force, 0u);
  const auto news = book().news_for(0);
  book().told(true);
  EXPECT_EQ(book().counts(news->version()).in_force, wanted);
  ban(request_of("198.51.100.8"));
  const BanCounts behind = book().counts(news->version());
  EXPECT_EQ(behind.in_force, wanted);
  EXPECT_EQ(behind.version, wanted + 1);
  EXPECT_EQ(book().counts(77).in_force, 0u) << "another dataplane, or a restarted one";
}

TEST_F(BanBookTest, nobody_on_the_admin_list_and_nobody_who_asks_is_banned_by_force_either) {
  Asker asker{"somebody", {*parse_address("203.0.113.9")}};
  asker.force = true;
  EXPECT_EQ(refusal("203.0.113.50", asker),
            "203.0.113.50/32 would lock out the admin network 203.0.113.50/32");
  EXPECT_EQ(refusal("203.0.113.48/30", asker),
            "203.0.113.48/30 would lock out the admin network 203.0.113.50/32");
  EXPECT_EQ(refusal("2001:db8:c:1::/64", asker),
            "2001:db8:c:1::/64 would lock out the admin network 2001:db8:c::/48");
  EXPECT_EQ(refusal("203.0.113.8/31", asker),
            "203.0.113.8/31 would lock out your own address 203.0.113.9/32");
  EXPECT_EQ(ban(request_of("203.0.113.10/31"), asker).outcome, BanResult::Outcome::done);
}

TEST_F(BanBookTest, the_site_itself_and_half_the_internet_take_force) {
  EXPECT_EQ(refusal("198.51.100.2"), "198.51.100.2/32 holds the dam's own address 198.51.100.2");
  EXPECT_EQ(refusal("198.51.100.1"), "198.51.100.1/32 holds the gateway of edge 198.51.100.1");
  EXPECT_EQ(refusal("198.18.0.0/16"), "198.18.0.0/16 holds the dam's own address 198.18.1.1");
  EXPECT_EQ(refusal("2001:db8:2::10"), "2001:db8:2::10/128 holds the server web 2001:db8:2::10");
  EXPECT_EQ(refusal("100.0.0.0/7"), "100.0.0.0/7 is wider than /8");
  Asker asker{"somebody", {}};
  asker.force = true;
  EXPECT_EQ(ban(request_of("100.0.0.0/7"), asker).outcome, BanResult::Outcome::done);
  EXPECT_EQ(ban(request_of("198.18.0.0/16"), asker).outcome, BanResult::Outcome::done);
}

TEST_F(BanBookTest, there_is_a_bound_and_one_beyond_it_is_refused_by_its_name) {
  policy = loaded("bans: {at_most: 2}\n");
  EXPECT_EQ(book().ban({request_of("198.51.100.7"), request_of("198.51.100.8")}, {}).outcome,
            BanResult::Outcome::done);
  EXPECT_EQ(ban(request_of("198.51.100.7")).outcome, BanResult::Outcome::done) << "no new one";
  const BanResult result = ban(request_of("198.51.100.9"));
  EXPECT_EQ(result.outcome, BanResult::Outcome::full);
  EXPECT_NE(result.problems[0].message.find("bans.at_most"), std::string::npos);
  now += kHour + 1;
  EXPECT_EQ(ban(request_of("198.51.100.9")).outcome, BanResult::Outcome::done) << "others are over";
}

TEST_F(BanBookTest, what_has_ended_is_remembered_within_a_bound_too) {
  policy = loaded("bans: {at_most: 2}\n");
  for (int i = 1; i <= 9; ++i) {
    ban(request_of("198.51.100." + std::to_string(10 * i)));
    now += kHour + 1;
  }
  EXPECT_LE(store.all().size(), 4u);
  ban(request_of("198.51.100.90"));
  EXPECT_EQ(kept("198.51.100.90")->times, 2) << "the newest are";
}

TEST_F(BanBookTest, a_list_is_taken_whole_or_not_at_all) {
  std::vector<BanRequest> list = {request_of("198.51.100.7"), request_of("203.0.113.50")};
  list[1].at = {2, 1};
  const BanResult result = book().ban(list, {});
  EXPECT_EQ(result.outcome, BanResult::Outcome::refused);
  EXPECT_EQ(result.problems[0].mark.line, 2);
  EXPECT_EQ(book().list({}).total, 0u);
}

TEST_F(BanBookTest, pages_follow_each_other) {
  for (int i = 1; i <= 5; ++i) ban(request_of("198.51.100." + std::to_string(10 * i)));
  BanBook::Query query;
  query.count = 2;
  auto page = book().list(query);
  EXPECT_EQ(page.total, 5u);
  ASSERT_TRUE(page.more);
  query.after = page.bans.back().source;
  page = book().list(query);
  ASSERT_TRUE(page.more);
  EXPECT_EQ(page.bans[0].source.text(), "198.51.100.30/32");
  query.after = page.bans.back().source;
  EXPECT_FALSE(book().list(query).more);
}

TEST_F(BanBookTest, what_was_kept_is_there_after_a_restart) {
  ban(request_of("198.51.100.7"));
  book_ = fresh();
  ASSERT_TRUE(kept("198.51.100.7"));
  EXPECT_EQ(kept("198.51.100.7")->author, "somebody");
}

// A service zone's ban must not touch the way to management, however often it is begun.
TEST_F(BanBookTest, a_source_that_a_zone_bans_again_stays_banned_there_for_longer) {
  EXPECT_TRUE(book().note_zone_bans({zone_ban("192.0.2.9/32", now + 600)}, true).empty());
  EXPECT_EQ(kept("192.0.2.9")->origin, "zone heavy");
  EXPECT_TRUE(book().note_zone_bans({zone_ban("192.0.2.9/32", now + 601)}, true).empty())
      << "the same one";
  EXPECT_TRUE(book().zone_changes(1000).empty());
  now += 700;
  const auto longer = book().note_zone_bans({zone_ban("192.0.2.9/32", now + 600)}, true);
  ASSERT_EQ(longer.size(), 1u);
  EXPECT_EQ(kept("192.0.2.9")->until_unix, now + 1200);
  EXPECT_EQ(kept("192.0.2.9")->times, 2);
  EXPECT_TRUE(kept("192.0.2.9")->of_zone);
  const auto changes = book().zone_changes(1000);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].zone, "heavy");
  EXPECT_EQ(changes[0].until_unix, now + 1200);
  EXPECT_TRUE(book().note_zone_bans({zone_ban("192.0.2.9/32", now + 600)}, true).empty())
      << "the dataplane has not heard of it yet";
  EXPECT_TRUE(book().note_zone_bans({zone_ban("192.0.2.9/32", now + 1200)}, true).empty());
  EXPECT_EQ(kept("192.0.2.9")->times, 2);
  EXPECT_TRUE(book().zone_changes(1000).empty());
}

TEST_F(BanBookTest, a_zones_ban_that_is_gone_is_over_and_a_servers_does_not_grow) {
  book().note_zone_bans({zone_ban("192.0.2.9/32", now + 600)}, true);
  book().note_zone_bans({}, false);
  EXPECT_TRUE(kept("192.0.2.9")) << "the list was cut off";
  book().note_zone_bans({}, true);
  EXPECT_FALSE(kept("192.0.2.9"));
  book().note_zone_bans({zone_ban("198.18.1.10/32", now + 600)}, true);
  now += 700;
  EXPECT_TRUE(book().note_zone_bans({zone_ban("198.18.1.10/32", now + 600)}, true).empty());
}

TEST_F(BanBookTest, whoever_listens_hears_of_a_ban_of_a_list_as_one_and_of_a_lift) {
  std::vector<std::string> heard;
  BanBook told(
      store, [this] { return policy; }, [this] { return now; },
      [&heard](const std::string& subject, uint64_t count, const std::string& text) {
        heard.push_back(subject + " " + std::to_string(count) + ": " + text);
      });
  BanRequest request = request_of("198.51.100.7");
  request.reason = "it floods";
  told.ban({request}, {"somebody", {}});
  told.ban({request_of("198.51.100.8"), request_of("198.51.100.9")}, {"somebody", {}, "import"});
  told.lift(*parse_network("198.51.100.7"));
  EXPECT_EQ(heard, (std::vector<std::string>{
                       "198.51.100.7/32 1: 198.51.100.7/32 is banned for 1h (operator, by "
                       "somebody): it floods",
                       "import 2: 2 sources are banned (import, by somebody)",
                       "198.51.100.7/32 1: 198.51.100.7/32 is banned no more"}));
}

// A store that could not be opened: whoever knows of no ban must not end those that hold.
TEST_F(BanBookTest, who_remembers_nothing_lifts_nothing_but_what_it_is_told_to) {
  BanBook forgetful(
      store, [this] { return policy; }, [this] { return now; }, {}, false);
  const auto first = forgetful.news_for(77);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->base(), 77u);
  EXPECT_EQ(first->lift_size() + first->add_size(), 0);
  forgetful.told(true);
  EXPECT_EQ(forgetful.lift(*parse_network("198.51.100.7")).outcome, BanResult::Outcome::done);
  const auto next = forgetful.news_for(first->version());
  ASSERT_TRUE(next);
  EXPECT_EQ(next->lift_size(), 1);
}

// Its clock went ahead and came back: it asks for all, by a version that nobody has drawn.
TEST_F(BanBookTest, who_remembers_nothing_leaves_what_a_dataplane_has_that_asks_for_all) {
  BanBook forgetful(
      store, [this] { return policy; }, [this] { return now; }, {}, false);
  ASSERT_TRUE(forgetful.ban({request_of("198.51.100.7")}, {}).done());
  const uint64_t held = forgetful.news_for(77)->version();
  forgetful.told(true);
  const BanResult lifted = forgetful.lift(*parse_network("198.51.100.9"));
  EXPECT_EQ(lifted.count, 0u) << "who knows";
  ASSERT_EQ(lifted.problems.size(), 1u);
  EXPECT_EQ(lifted.problems[0].message,
            "198.51.100.9/32 is not known here; the dataplane is told to drop it, if it has it");
  const auto news = forgetful.news_for(held + 1);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->base(), held + 1) << "or bans of before would end";
  EXPECT_EQ(news->add_size(), 1) << "it has ended this one, perhaps";
  EXPECT_EQ(news->lift_size(), 1);
  EXPECT_EQ(forgetful.news_for(0)->base(), 0u) << "that one has none";
}

TEST_F(BanBookTest, what_is_over_in_a_list_is_skipped_and_changes_no_ban_that_holds) {
  ban(request_of("198.51.100.7"));
  BanRequest over = request_of("198.51.100.7", std::nullopt), now_over = over;
  over.until_unix = 1;
  now_over.until_unix = now;
  BanRequest to_come = request_of("198.51.100.8", std::nullopt);
  to_come.until_unix = now + 1;
  const BanResult result = book().ban({over, to_come, now_over}, {"somebody", {}});
  EXPECT_EQ(result.outcome, BanResult::Outcome::done);
  EXPECT_EQ(result.count, 1u);
  EXPECT_EQ(result.skipped, 2u);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].message, "2 bans are over already: skipped, which lets nobody in");
  ASSERT_TRUE(kept("198.51.100.7"));
  EXPECT_EQ(kept("198.51.100.7")->until_unix, now + kHour);
  EXPECT_EQ(kept("198.51.100.8")->until_unix, now + 1);
}

TEST(BanSentence, no_end_is_told_as_a_time_that_it_is_not) {
  BanTerms ban;
  ban.origin = "import";
  ban.author = "a";
  ban.until_unix = 10;
  EXPECT_EQ(ban_sentence("x", ban, 20), "x is banned for 0s (import, by a)");
  ban.until_unix = int64_t{1} << 40;
  EXPECT_EQ(ban_sentence("x", ban, 20),
            "x is banned for more than 106751d23h47m16s (import, by a)");
}

TEST_F(BanBookTest, the_dataplane_is_told_all_at_first_and_then_what_has_changed) {
  ban(request_of("198.51.100.7"));
  auto news = book().news_for(0);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->base(), 0u);
  EXPECT_EQ(news->add_size(), 1);
  book().told(true);
  const uint64_t held = news->version();
  EXPECT_FALSE(book().news_for(held));
  ban(request_of("198.51.100.8"));
  book().lift(*parse_network("198.51.100.7"));
  news = book().news_for(held);
  EXPECT_EQ(news->base(), held);
  EXPECT_EQ(news->add_size(), 1);
  EXPECT_EQ(news->lift_size(), 1);
  EXPECT_EQ(news->add(0).until_unix_s(), static_cast<uint64_t>(now + kHour));
  book().told(false);  // and so nobody knows what it has
  news = book().news_for(held);
  EXPECT_EQ(news->base(), 0u);
  EXPECT_EQ(news->add_size(), 1);
}

TEST_F(BanBookTest, another_dataplane_is_told_all_again) {
  ban(request_of("198.51.100.7"));
  const uint64_t held = book().news_for(0)->version();
  book().told(true);
  EXPECT_EQ(book().news_for(0)->add_size(), 1);
  EXPECT_EQ(book().news_for(held + 2)->base(), 0u);
}

std::vector<std::pair<int, int>> places_of(const std::vector<Problem>& problems) {
  std::vector<std::pair<int, int>> places;
  for (const Problem& problem : problems) {
    places.emplace_back(problem.mark.line, problem.mark.column);
  }
  return places;
}

TEST(BanLines, are_text_or_json_and_every_wrong_one_is_told_by_its_place) {
  BanRequest otherwise;
  otherwise.for_s = 60;
  otherwise.reason = "a list";
  Objections wrong;
  const auto bans = read_ban_lines(
      "# of somebody\n198.51.100.7\r\n\n 198.51.100.9/24\tscans us # really\n"
      "{\"source\": \"2001:db8::1\", \"for\": \"2h\", \"reason\": \"six\"}\n"
      "{\"source\": \"192.0.2.1\", \"until\": 1900000000}",
      otherwise, wrong);
  EXPECT_FALSE(wrong.any());
  ASSERT_EQ(bans.size(), 4u);
  EXPECT_EQ(bans[0].reason, "a list");
  EXPECT_EQ(bans[0].for_s, 60);
  EXPECT_EQ(bans[1].source.text(), "198.51.100.0/24");
  EXPECT_EQ(bans[1].reason, "scans us");
  EXPECT_EQ(bans[1].at.line, 4);
  EXPECT_EQ(bans[1].at.column, 2);
  EXPECT_EQ(bans[2].for_s, 7200);
  EXPECT_EQ(bans[3].until_unix, 1'900'000'000);
  EXPECT_FALSE(bans[3].for_s);

  read_ban_lines(
      "300.1.2.3\n192.0.2.1\n{\"source\": 4}\n  {\"sauce\": 1}\n{\"source\": \"1.2.3.4\", \"for\": "
      "\"0s\"}\n192.0.2.1 " +
          std::string(201, 'x') + "\n{\"source\": \"1.2.3.4\"",
      {}, wrong);
  EXPECT_EQ(places_of(wrong.told()),
            (std::vector<std::pair<int, int>>{{1, 1}, {3, 2}, {4, 4}, {5, 23}, {6, 11}, {7, 20}}));
  Objections at_length;
  std::string many;
  for (int i = 0; i < 150; ++i) many += "x\n";
  read_ban_lines(many, {}, at_length);
  EXPECT_EQ(at_length.told().size(), 101u);
  EXPECT_EQ(at_length.told().back().message, "50 more are wrong");
}

TEST(BanLines, the_first_wrong_ones_by_place_are_told_in_whatever_order_they_are_found) {
  Objections wrong;
  for (int line = 200; line > 0; --line) {
    for (const int column : {5, 2}) wrong.add({line, column}, std::to_string(column), "");
  }
  const auto told = wrong.told();
  ASSERT_EQ(told.size(), 101u);
  const auto places = places_of(told);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(places[static_cast<size_t>(i)], std::pair(i / 2 + 1, i % 2 == 0 ? 2 : 5));
  }
  EXPECT_EQ(told.back().message, "300 more are wrong");
}

TEST(BanLines, numbers_beyond_all_bounds_are_told_by_their_place) {
  Objections wrong;
  const std::string begin = "{\"source\": \"1.2.3.4\", \"until\": ";
  const auto bans = read_ban_lines("  " + begin + "1e999}\n" + begin + "1099511627776}\n" + begin +
                                       "1099511627777}\n" + begin + "18446744073709551615}\n{",
                                   {}, wrong);
  ASSERT_EQ(bans.size(), 1u);
  EXPECT_EQ(bans[0].until_unix, int64_t{1} << 40);
  EXPECT_EQ(places_of(wrong.told()),
            (std::vector<std::pair<int, int>>{{1, 3}, {3, 23}, {4, 23}, {5, 1}}));
}

TEST(BanLines, may_be_of_kinds_of_clients) {
  Objections wrong;
  const auto bans = read_ban_lines(
      "t13d1516h2_8daaf6152771_*\ta macro's # really\n198.51.100.9\n"
      "{\"ja4\": \"*_8daaf6152771_*\", \"until\": 1900000000, \"reason\": \"another's\"}\n",
      {}, wrong);
  EXPECT_FALSE(wrong.any());
  ASSERT_EQ(bans.size(), 3u);
  EXPECT_EQ(bans[0].ja4, "t13d1516h2_8daaf6152771_*");
  EXPECT_EQ(bans[0].reason, "a macro's");
  EXPECT_FALSE(bans[1].is_of_kind());
  EXPECT_EQ(bans[2].ja4, "*_8daaf6152771_*");
  EXPECT_EQ(bans[2].until_unix, 1'900'000'000);
  read_ban_lines(
      "t13d1516h2_8DAAF6152771_*\n{\"ja4\": \"t13d1516h2\"}\n{\"reason\": \"ja4\"}\n"
      "{\"source\": \"1.2.3.4\", \"ja4\" : \"*_8daaf6152771_*\"}\n",
      {}, wrong);
  EXPECT_EQ(places_of(wrong.told()),
            (std::vector<std::pair<int, int>>{{1, 1}, {2, 2}, {3, 1}, {4, 23}}));
}

struct BanSyncTest : BanBookTest {
  TemporaryFolder folder;
  std::string socket = folder.file("dataplane.sock");
  DataplaneLink link{socket, [](const std::string&) {}};
};

TEST_F(BanSyncTest, what_a_dataplane_has_no_room_for_it_is_told_again) {
  std::mutex mutex;
  std::vector<std::string> log;
  TestDataplane dataplane(socket);
  {
    const BanSync sync(book(), link, [&](const std::string& text) {
      const std::lock_guard lock(mutex);
      log.push_back(text);
    });
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    link.deliver(policy);
    ban(request_of("198.51.100.7"));
    EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(5)));
    dataplane.refuse_bans(true);
    ban(request_of("198.51.100.8"));
    book().lift(*parse_network("198.51.100.7"));
    EXPECT_FALSE(book().wait_until_told(std::chrono::milliseconds(1200)));
    EXPECT_EQ(dataplane.bans(), std::set<std::string>{"198.51.100.7/32"});
    dataplane.refuse_bans(false);
    EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(3)));
  }
  EXPECT_EQ(dataplane.bans(), std::set<std::string>{"198.51.100.8/32"});
  EXPECT_EQ(log,
            std::vector<std::string>{"the dataplane has not taken the bans: there is no memory"})
      << "once, however often it was tried";
}

TEST_F(BanSyncTest, a_dataplane_that_comes_back_empty_has_the_bans_again_within_a_second) {
  const BanSync sync(book(), link, [](const std::string&) {});
  auto dataplane = std::make_unique<TestDataplane>(socket);
  link.deliver(policy);
  ban(request_of("198.51.100.7"));
  EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(5)));
  EXPECT_EQ(dataplane->bans(), std::set<std::string>{"198.51.100.7/32"});
  dataplane.reset();
  ASSERT_TRUE(eventually([&] { return !link.state().connected; }));
  ban(request_of("198.51.100.8"));
  EXPECT_FALSE(book().wait_until_told(std::chrono::milliseconds(50))) << "who would have it?";
  dataplane = std::make_unique<TestDataplane>(socket);
  ASSERT_TRUE(eventually([&] { return dataplane->bans().size() == 2; }));
  book().lift(*parse_network("198.51.100.7"));
  EXPECT_TRUE(book().wait_until_told(std::chrono::seconds(5)));
  EXPECT_EQ(dataplane->bans(), std::set<std::string>{"198.51.100.8/32"});
}

// Thousands of servers' bans for a dataplane that comes back: an operator's does not wait for them.
TEST_F(BanSyncTest, an_operators_ban_goes_before_what_servers_have_said) {
  for (uint32_t i = 0; i < 5000; ++i) {
    const std::string source = "192.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255);
    ASSERT_EQ(book().ban_in_services(request_of(source), {"web", {}}, 10'000).count, 1u);
  }
  book().tell_services(true);
  TestDataplane dataplane(socket);
  const BanSync sync(book(), link, [](const std::string&) {});
  link.deliver(policy);
  ASSERT_TRUE(eventually([&] { return dataplane.zone_changes().size() > 10; }));
  ban(request_of("198.51.100.7"));
  ASSERT_TRUE(book().wait_until_told(std::chrono::seconds(5)));
  EXPECT_LT(dataplane.zone_changes().size(), 2500u);
  EXPECT_EQ(dataplane.bans().count("198.51.100.7/32"), 1u);
  book().lift(*parse_network("192.0.19.135"));  // the last of them
  EXPECT_TRUE(eventually([&] { return dataplane.zone_changes().size() >= 5000; }));
  const auto told = dataplane.zone_changes();
  const auto lifted = std::find(told.begin(), told.end(), " 192.0.19.135/32");
  ASSERT_NE(lifted, told.end());
  EXPECT_LT(lifted - told.begin(), 4000) << "so does a lift";
  EXPECT_EQ(std::count(told.begin(), told.end(), "light 192.0.19.135/32"), 0) << "it is over";
}

TEST_F(BanSyncTest, zones_bans_come_to_the_book_and_lifts_go_to_the_zones) {
  TestDataplane dataplane(socket);
  dataplane.begin_zone_ban(zone_ban("192.0.2.9/32", now + 600));
  const BanSync sync(book(), link, [](const std::string&) {});
  link.deliver(policy);
  ASSERT_TRUE(eventually([&] { return kept("192.0.2.9").has_value(); }));
  book().lift(*parse_network("192.0.2.9"));
  EXPECT_TRUE(eventually([&] { return dataplane.lifted() == 1; }));
}

}  // namespace
}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/log_book.h"

#include <gtest/gtest.h>

#include "tests/unit/process/refusals.h"

namespace dam {
namespace {

constexpr uint64_t kUnixLess = 1'700'000'000 * kSecond;

struct Book : testing::Test {
  Book() {
    policy.zones.resize(kRefusingZone + 1);
    policy.zones[kRefusingZone].name = "web";
    policy.servers.resize(1);
    policy.servers[0].name = "web-1";
    policy.listeners.resize(1);
    policy.listeners[0].name = "https";
  }
  // All that is due.
  std::vector<v1::Refusals> give_refusals(uint64_t now_ns) {
    std::vector<v1::Refusals> all;
    for (;;) {
      const v1::Log log = give(now_ns);
      if (log.refusals_size() == 0) return all;
      all.insert(all.end(), log.refusals().begin(), log.refusals().end());
    }
  }
  v1::Log give(uint64_t now_ns) {
    v1::Log log;
    book.give(policy, now_ns, now_ns + kUnixLess, log);
    return log;
  }
  LogBook book;
  Policy policy;
};

TEST_F(Book, a_connection_is_given_once_with_its_names) {
  ConnectionRecord record;
  record.ended_ns = 5 * kSecond;
  record.client = dam_address_v4(0x0a0b0c0d);
  record.client_port = dam_hton16(50'000);
  record.zone_slot = kRefusingZone;
  record.has_server = true;
  record.end = DAM_END_refused;
  record.reason = DAM_DROP_server_timeout;
  record.stands_for = 3;
  book.take(record);
  const v1::Log log = give(6 * kSecond);
  ASSERT_EQ(log.connections_size(), 1);
  const v1::EndedConnection& one = log.connections(0);
  EXPECT_EQ(one.ended_unix_ns(), 5 * kSecond + kUnixLess);
  EXPECT_EQ(one.client(), "13.12.11.10");
  EXPECT_EQ(one.client_port(), 50'000u);
  EXPECT_EQ(one.zone(), "web");
  EXPECT_EQ(one.server(), "web-1");
  EXPECT_EQ(one.listener(), "https");
  EXPECT_EQ(one.end(), "refused");
  EXPECT_EQ(one.reason(), "server_timeout");
  EXPECT_EQ(one.stands_for(), 3u);
  EXPECT_EQ(give(7 * kSecond).connections_size(), 0);
}

TEST_F(Book, is_bounded_and_says_how_many_found_no_room) {
  ConnectionRecord record;
  record.stands_for = 2;
  for (size_t i = 0; i < LogBook::kMostConnections + 10; ++i) book.take(record);
  book.lost(5);
  v1::Log log = give(kSecond);
  EXPECT_EQ(log.lost_connections(), 25u);
  uint64_t given = static_cast<uint64_t>(log.connections_size());
  while (log.more()) {
    EXPECT_LE(static_cast<size_t>(log.connections_size()), LogBook::kMostAtOnce);
    log = give(kSecond);
    given += static_cast<uint64_t>(log.connections_size());
    EXPECT_EQ(log.lost_connections(), 0u);
  }
  EXPECT_EQ(given, LogBook::kMostConnections);
}

TEST_F(Book, the_first_refusal_is_told_at_once_and_those_after_it_together) {
  book.take(refused(7, DAM_DROP_source_packets, kSecond));
  v1::Log log = give(kSecond);
  ASSERT_EQ(log.refusals_size(), 1);
  EXPECT_EQ(log.refusals(0).client(), "7.0.0.0");
  EXPECT_EQ(log.refusals(0).zone(), "web");
  EXPECT_EQ(log.refusals(0).reason(), "source_packets");
  EXPECT_EQ(log.refusals(0).count(), 1u);
  EXPECT_TRUE(log.refusals(0).proven());
  for (int i = 0; i < 5; ++i) book.take(refused(7, DAM_DROP_source_packets, 2 * kSecond, true, 64));
  EXPECT_EQ(give(3 * kSecond).refusals_size(), 0);
  log = give(kSecond + LogBook::kPauseNs);
  ASSERT_EQ(log.refusals_size(), 1);
  EXPECT_EQ(log.refusals(0).count(), 320u);
  EXPECT_EQ(log.refusals(0).last_unix_ns(), 2 * kSecond + kUnixLess);
  EXPECT_EQ(give(60 * kSecond).refusals_size(), 0);
  book.take(refused(7, DAM_DROP_source_packets, 61 * kSecond));
  EXPECT_EQ(give(61 * kSecond).refusals_size(), 1);
}

TEST_F(Book, strays_and_what_passed_are_no_refusals) {
  for (const int reason : {DAM_DROP_none, DAM_DROP_consumed, DAM_DROP_not_ours, DAM_DROP_no_flow,
                           DAM_DROP_bad_cookie}) {
    book.take(refused(7, static_cast<uint8_t>(reason), kSecond));
  }
  book.take(refused(7, DAM_DROP_denied, kSecond, true, 0));  // told for a capture alone
  EXPECT_EQ(give(kSecond).refusals_size(), 0);
}

TEST_F(Book, an_ipv6_source_is_its_64) {
  dam_sight sight = refused(0, DAM_DROP_banned, kSecond);
  sight.client = {{__builtin_bswap32(0x20010db8), 0, 0, __builtin_bswap32(1)}};
  book.take(sight);
  sight.client.word[3] = __builtin_bswap32(2);
  book.take(sight);
  const v1::Log log = give(kSecond);
  ASSERT_EQ(log.refusals_size(), 1);
  EXPECT_EQ(log.refusals(0).client(), "2001:db8::/64");
  EXPECT_EQ(log.refusals(0).count(), 2u);
}

TEST_F(Book, sources_beyond_its_bound_are_told_together_and_forged_ones_take_no_proven_ones_place) {
  constexpr uint32_t kForged = 3 * LogBook::kMostRefusals;
  for (uint32_t i = 1; i <= kForged; ++i) book.take(refused(i, DAM_DROP_denied, kSecond, false));
  book.take(refused(77, DAM_DROP_denied, kSecond, true));
  const v1::Log first = give(kSecond);
  EXPECT_EQ(first.refusals_size(), 1 + static_cast<int>(LogBook::kMostRefusalsAtOnce[0]));
  EXPECT_TRUE(first.refusals(0).proven());
  std::vector<v1::Refusals> all = give_refusals(kSecond);
  all.insert(all.end(), first.refusals().begin(), first.refusals().end());
  uint64_t sum = 0;
  uint64_t together = 0;
  int proven = 0;
  for (const v1::Refusals& one : all) {
    sum += one.count();
    together += one.client().empty() ? one.count() : 0;
    proven += one.proven() ? 1 : 0;
  }
  EXPECT_EQ(sum, kForged + 1);
  EXPECT_EQ(together, kForged - LogBook::kMostRefusals);
  EXPECT_EQ(proven, 1);
  EXPECT_LE(all.size(), LogBook::kMostRefusals + 2);
}

TEST_F(Book, what_nobody_comes_for_is_forgotten) {
  book.take(refused(7, DAM_DROP_denied, kSecond));
  book.take(refused(8, DAM_DROP_denied, kSecond + LogBook::kKeptNs));
  const auto told = give_refusals(kSecond + LogBook::kKeptNs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].client(), "8.0.0.0");
}

TEST_F(Book, a_refusal_is_named_by_the_last_hello_of_its_kind) {
  const Ja4 one = Ja4Pattern::parse("t13d1516h2_8daaf6152771_e5627efa2ab1")->wanted;
  const Ja4 other = Ja4Pattern::parse("t12d0201h2_8daaf6152771_e5627efa2ab1")->wanted;
  const RefusedHello named{dam_address_v4(7), one, DAM_DROP_no_route, kRefusingZone};
  EXPECT_FALSE(book.name(named)) << "not told of yet";
  book.take(refused(7, DAM_DROP_no_route, kSecond));
  book.take(refused(8, DAM_DROP_no_route, kSecond));
  book.take(refused(7, DAM_DROP_hello_timeout, kSecond));
  EXPECT_TRUE(book.name({dam_address_v4(7), other, DAM_DROP_no_route, kRefusingZone}));
  EXPECT_TRUE(book.name(named));
  const auto told = give_refusals(2 * kSecond);
  ASSERT_EQ(told.size(), 3u);
  for (const v1::Refusals& each : told) {
    const bool is_named = each.client() == "7.0.0.0" && each.reason() == "no_route";
    EXPECT_EQ(each.ja4(), is_named ? one.text() : "") << each.client() << each.reason();
  }
}

}  // namespace
}  // namespace dam

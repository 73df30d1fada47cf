// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_counts.h"

#include <gtest/gtest.h>

namespace dam::control {
namespace {

constexpr uint64_t kNsOfSecond = 1'000'000'000;

Network source(const std::string& text) { return *parse_network(text); }

TEST(SignalCounts, a_burst_is_nothing_and_one_more_is_too_many) {
  SignalCounts counts;
  const Rate rate{1, 5};
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(counts.exceeds(0, source("198.51.100.7"), rate, kNsOfSecond));
  EXPECT_FALSE(counts.exceeds(0, source("198.51.100.8"), rate, kNsOfSecond)) << "another source";
  EXPECT_FALSE(counts.exceeds(1, source("198.51.100.7"), rate, kNsOfSecond)) << "another rule";
  EXPECT_TRUE(counts.exceeds(0, source("198.51.100.7"), rate, kNsOfSecond));
  EXPECT_FALSE(counts.exceeds(0, source("198.51.100.7"), rate, kNsOfSecond)) << "it begins anew";
}

TEST(SignalCounts, time_gives_back_what_the_rate_says) {
  SignalCounts counts;
  const Rate rate{2, 2};
  uint64_t now_ns = kNsOfSecond;
  for (int i = 0; i < 100; ++i, now_ns += kNsOfSecond / 2) {
    EXPECT_FALSE(counts.exceeds(0, source("2001:db8::/64"), rate, now_ns)) << i;
  }
  EXPECT_FALSE(counts.exceeds(0, source("2001:db8::/64"), rate, now_ns));
  EXPECT_FALSE(counts.exceeds(0, source("2001:db8::/64"), rate, now_ns));
  EXPECT_TRUE(counts.exceeds(0, source("2001:db8::/64"), rate, now_ns));
}

TEST(SignalCounts, rates_at_the_ends_of_what_can_be_written) {
  uint64_t tat_ns = 0;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(take_one({1e-15, 1000000000000000}, kNsOfSecond, tat_ns));
  tat_ns = 0;
  EXPECT_TRUE(take_one({1e-15, 1}, kNsOfSecond, tat_ns));
  EXPECT_FALSE(take_one({1e-15, 1}, 100 * kNsOfSecond, tat_ns));
  tat_ns = 0;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(take_one({1e15, 1}, kNsOfSecond, tat_ns));
}

// Strangers' addresses, as many as one likes, do not push out who is near the limit.
TEST(SignalCounts, a_full_table_forgets_whoever_has_been_quiet) {
  SignalCounts counts(64);
  const Rate rate{0.1, 10};
  const Network persistent = source("198.51.100.7");
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(counts.exceeds(0, persistent, rate, kNsOfSecond));
  for (uint32_t i = 0; i < 100'000; ++i) {
    Network one = source("203.0.113.0");
    one.address.bytes[1] = static_cast<uint8_t>(i >> 16);
    one.address.bytes[2] = static_cast<uint8_t>(i >> 8);
    one.address.bytes[3] = static_cast<uint8_t>(i);
    ASSERT_FALSE(counts.exceeds(0, one, rate, kNsOfSecond)) << i;
  }
  EXPECT_TRUE(counts.exceeds(0, persistent, rate, kNsOfSecond));
}

}  // namespace
}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/connections.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/trust/rate_limiter.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

// Both ends of a connection; the far one sees when ours is closed.
class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~Pair() { close(ends_[1]); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  int ours() const { return ends_[0]; }
  void hang_up() const { shutdown(ends_[1], SHUT_RDWR); }
  bool closed() const {
    pollfd entry{ends_[1], POLLIN, 0};
    return poll(&entry, 1, 0) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
};

// Until the client goes or is pushed out, as one that trickles.
void serve_until_gone(int fd) {
  char byte;
  while (recv(fd, &byte, 1, 0) > 0) continue;
}

TEST(Connections, a_newcomer_pushes_out_the_oldest_of_its_own_address_first) {
  Connections table({4, 4, 2}, serve_until_gone);
  Pair other, first, second, third;
  table.take(other.ours(), "a");
  table.take(first.ours(), "b");
  table.take(second.ours(), "b");
  table.take(third.ours(), "b");
  EXPECT_TRUE(eventually([&] { return first.closed(); }));
  EXPECT_FALSE(other.closed() || second.closed() || third.closed());
  for (const Pair* one : {&other, &second, &third}) one->hang_up();
}

TEST(Connections, who_has_proven_itself_stays_and_a_newcomer_without_a_place_goes) {
  Connections table({2, 2, 2}, serve_until_gone);
  Pair known, stranger, late, later;
  table.take(known.ours(), "a");
  table.take(stranger.ours(), "b");
  table.keep(known.ours());
  table.take(late.ours(), "c");
  EXPECT_TRUE(eventually([&] { return stranger.closed(); }));
  EXPECT_FALSE(known.closed());
  table.keep(late.ours());
  table.take(later.ours(), "d");
  EXPECT_TRUE(later.closed());
  EXPECT_FALSE(known.closed() || late.closed());
  EXPECT_EQ(table.counts().refused, 1u);
  EXPECT_EQ(table.counts().pushed_out, 1u);
  known.hang_up();
  late.hang_up();
}

TEST(Connections, those_that_wait_for_a_thread_are_bounded_too) {
  Connections table({1, 3, 3}, serve_until_gone);
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    table.take(pairs.back()->ours(), std::to_string(i));
  }
  EXPECT_TRUE(eventually([&] {
    return std::count_if(pairs.begin(), pairs.end(), [](auto& p) { return p->closed(); }) == 47;
  }));
  EXPECT_FALSE(pairs.back()->closed());
  for (const auto& pair : pairs) pair->hang_up();
}

TEST(RateLimiter, lets_a_burst_pass_then_the_rate_and_says_when_again) {
  RateLimiter limiter(10, 5);
  const auto start = RateLimiter::Clock::time_point(std::chrono::hours(1));
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.wait("a", at(0)).count(), 0);
  EXPECT_EQ(limiter.wait("a", at(0)), std::chrono::milliseconds(100));
  EXPECT_EQ(limiter.wait("b", at(0)).count(), 0) << "somebody else's bucket";
  EXPECT_EQ(limiter.wait("a", at(60)), std::chrono::milliseconds(40));
  EXPECT_EQ(limiter.wait("a", at(100)).count(), 0);
  EXPECT_GT(limiter.wait("a", at(100)).count(), 0);
}

TEST(RateLimiter, many_keys_share_one_bucket_beyond_the_bound) {
  RateLimiter limiter(1, 2);
  const auto now = RateLimiter::Clock::time_point(std::chrono::hours(1));
  for (size_t i = 0; i < RateLimiter::kMostKeys; ++i) limiter.wait(std::to_string(i), now);
  EXPECT_EQ(limiter.wait("x", now).count(), 0);
  EXPECT_EQ(limiter.wait("y", now).count(), 0);
  EXPECT_GT(limiter.wait("z", now).count(), 0);
  EXPECT_EQ(limiter.wait("z", now + std::chrono::seconds(5)).count(), 0) << "old ones make room";
}

}  // namespace
}  // namespace dam::control

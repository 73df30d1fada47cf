// SPDX-License-Identifier: BSD-3-Clause
// The host's way beside the dam.
#include "dataplane/drivers/dpdk/host_path.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "dataplane/core/packet.h"
#include "tests/unit/dpdk/driver_fixture.h"

namespace dam {
namespace {

// A datagram socket stands for the TAP device: a message is a frame.
class HostPathTest : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    open();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
    host_ = ends[0];
    driver_->open_host_path({ends[1], -1});
    driver_->count_into(counters_);
  }
  void TearDown() override {
    close(host_);
    DriverTest::TearDown();
  }
  std::string arrived() {  // the first byte of each frame that the host has got
    std::string marks;
    char frame[2000];
    for (int i = 0; i < 100 && marks.empty(); ++i) {
      while (recv(host_, frame, sizeof frame, 0) == 60) marks += frame[0];
      if (marks.empty()) usleep(20'000);
    }
    return marks;
  }
  uint64_t drops(dam_drop_reason reason) const {
    return counters_.worker[0].zones[0].drops[reason];
  }

  int host_ = -1;
  dam_counters counters_{};
};

TEST_F(HostPathTest, what_is_the_hosts_reaches_it_first_things_first) {
  output_.host.add(make_frame('x', 0));
  output_.host_first.add(make_frame('a', 0));
  driver_->transmit(0, output_);
  driver_->host_path()->start();
  std::string marks = arrived();
  if (marks.size() == 1) marks += arrived();
  EXPECT_EQ(marks, "ax");
  EXPECT_EQ(drops(DAM_DROP_not_ours) + drops(DAM_DROP_host_full), 0u);
}

TEST_F(HostPathTest, what_the_host_sends_leaves_by_the_port) {
  driver_->host_path()->start();
  const std::string frame(60, 'h');
  ASSERT_EQ(send(host_, frame.data(), frame.size(), 0), 60);
  for (int i = 0; i < 200 && !driver_->send_for_host(true); ++i) usleep(10'000);
  EXPECT_EQ(left(0), "h");
  EXPECT_EQ(counters_.worker[0].host_sent, 1u);
}

// A worker that meets the thread inside the pool would wait for it.
TEST_F(HostPathTest, its_thread_never_touches_the_pool) {
  rte_mempool* pool = driver_->pool().mempool();
  std::vector<rte_mbuf*> all;  // nothing is left for whoever asks
  while (rte_mbuf* one = rte_pktmbuf_alloc(pool)) all.push_back(one);
  ASSERT_GT(all.size(), 10u);
  const std::string frame(60, 'h');
  ASSERT_EQ(send(host_, frame.data(), frame.size(), 0), 60);
  all.back()->port = 0;
  rte_pktmbuf_append(all.back(), 60)[0] = 'x';
  ASSERT_EQ(driver_->host_path()->give(0, false, {&all.back(), 1}), 1u);
  all.pop_back();
  driver_->host_path()->start();
  EXPECT_EQ(arrived(), "x");
  for (int i = 0; i < 200 && !driver_->send_for_host(true); ++i) usleep(10'000);
  EXPECT_EQ(left(0), "h");
  EXPECT_EQ(driver_->pool().available(), 1u) << "of what was sent; what was written waits";
  for (int i = 0; i < 200 && driver_->pool().available() < 2; ++i) {
    driver_->take_back_from_host(0);
    usleep(10'000);
  }
  EXPECT_EQ(driver_->pool().available(), 2u);
  EXPECT_EQ(drops(DAM_DROP_host_refused), 0u);
  rte_pktmbuf_free_bulk(all.data(), static_cast<uint32_t>(all.size()));
}

TEST_F(HostPathTest, what_the_hosts_interface_does_not_take_is_counted) {
  output_.host.add(make_frame('x', 0));
  driver_->transmit(0, output_);
  shutdown(host_, SHUT_RD);  // a send to it is EPIPE then, as EIO to a TAP device that is down
  const auto before = signal(SIGPIPE, SIG_IGN);
  driver_->host_path()->start();
  for (int i = 0; i < 200 && drops(DAM_DROP_host_refused) == 0; ++i) {
    driver_->take_back_from_host(0);
    usleep(10'000);
  }
  EXPECT_EQ(drops(DAM_DROP_host_refused), 1u);
  driver_->host_path()->stop();
  signal(SIGPIPE, before);
}

TEST_F(HostPathTest, one_that_is_sent_a_flood_takes_back_every_buffer) {
  const uint32_t before = driver_->pool().available() + output_.spare.count;
  driver_->host_path()->start();
  uint32_t given = 0;
  std::string got;
  while (given < 5 * HostPath::kRingFrames) {
    output_.host.add(make_frame('x', 0));
    driver_->transmit(0, output_);
    driver_->take_back_from_host(0);
    if (++given % 32 == 0) got += arrived();
  }
  driver_->host_path()->stop();
  for (int i = 0; i < 100; ++i) driver_->take_back_from_host(0);
  const uint64_t lost = drops(DAM_DROP_host_full) + drops(DAM_DROP_host_refused);
  EXPECT_LE(lost, given);
  EXPECT_GT(got.size(), HostPath::kRingFrames);
  EXPECT_LE(before - driver_->pool().available() - output_.spare.count, HostPath::kMostAtOnce);
}

std::string tcp_frame(uint8_t flags) {
  std::string frame(60, '\0');
  auto* p = reinterpret_cast<uint8_t*>(frame.data());
  dam_store_be16(p + 12, 0x0800);
  p[14] = 0x45;
  dam_store_be16(p + 16, 40);
  p[22] = 64;
  p[23] = DAM_PROTOCOL_TCP;
  dam_store_be32(p + 26, 0xc6120001);  // 198.18.0.1
  dam_store_be32(p + 30, 0xc6120002);
  p[46] = 5 << 4;
  p[47] = flags;
  return frame;
}

// Until the first policy the host takes the dam's connections for strangers, and refuses them.
TEST_F(HostPathTest, without_a_policy_the_hosts_resets_do_not_leave) {
  driver_->host_path()->start();
  const auto leaves = [this](uint8_t flags, bool has_policy) {
    const std::string frame = tcp_frame(flags);
    EXPECT_EQ(send(host_, frame.data(), frame.size(), 0), 60);
    for (int i = 0; i < 200 && !driver_->send_for_host(has_policy); ++i) usleep(10'000);
    return !left(0).empty();
  };
  EXPECT_FALSE(leaves(DAM_TCP_RST | DAM_TCP_ACK, false));
  EXPECT_EQ(drops(DAM_DROP_no_policy), 1u);
  EXPECT_TRUE(leaves(DAM_TCP_SYN | DAM_TCP_ACK, false)) << "an SSH server's answer";
  EXPECT_TRUE(leaves(DAM_TCP_RST | DAM_TCP_ACK, true));
  EXPECT_EQ(drops(DAM_DROP_no_policy), 1u);
  EXPECT_EQ(counters_.worker[0].host_sent, 2u);
}

TEST_F(HostPathTest, a_port_without_it_drops_what_is_the_hosts) {
  output_.host.add(make_frame('x', 1));
  driver_->transmit(0, output_);
  EXPECT_EQ(drops(DAM_DROP_not_ours), 1u);
}

TEST_F(HostPathTest, a_host_that_takes_nothing_costs_a_bounded_number_of_buffers) {
  const auto flood = [this](int frames) {
    for (int i = 0; i < frames; ++i) {
      output_.host.add(make_frame('x', 0));
      driver_->transmit(0, output_);
    }
  };
  flood(HostPath::kRingFrames);
  EXPECT_EQ(drops(DAM_DROP_host_full), 0u);
  const uint32_t before = driver_->pool().available() + output_.spare.count;
  flood(10);
  EXPECT_EQ(drops(DAM_DROP_host_full), 10u);
  EXPECT_EQ(driver_->pool().available() + output_.spare.count, before);
}

}  // namespace
}  // namespace dam

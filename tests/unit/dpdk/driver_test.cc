// SPDX-License-Identifier: BSD-3-Clause
// The driver and the worker's loop on net_ring ports: what is put into the ring is a frame on the
// wire. No privileges are needed.
#include "dataplane/drivers/dpdk/driver.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "dataplane/drivers/dpdk/worker_loop.h"
#include "tests/unit/dpdk/driver_fixture.h"

namespace dam {
namespace {

TEST_F(DriverTest, takes_ports_in_turn_so_that_none_starves) {
  open();
  for (int i = 0; i < 40; ++i) arrive(0, 'a');
  arrive(1, 'b');
  std::array<Frame, kBurst> frames;
  uint32_t from[2] = {0, 0};
  for (int turn = 0; turn < 2; ++turn) {
    const uint32_t got = driver_->receive(0, frames);
    for (uint32_t i = 0; i < got; ++i) {
      ++from[frames[i].port];
      EXPECT_EQ(frames[i].data[0], frames[i].port == 0 ? 'a' : 'b');
      rte_pktmbuf_free(mbuf_of(frames[i]));
    }
  }
  EXPECT_EQ(from[0], kBurst);
  EXPECT_EQ(from[1], 1u);
}

TEST_F(DriverTest, urgent_frames_leave_before_normal_ones) {
  open();
  output_.normal.add(make_frame('n', 1));
  output_.urgent.add(make_frame('u', 1));
  output_.normal.add(make_frame('m', 0));
  EXPECT_EQ(driver_->transmit(0, output_), 0u);
  EXPECT_EQ(left(1), "un");
  EXPECT_EQ(left(0), "m");
  EXPECT_EQ(output_.urgent.count + output_.normal.count, 0u);
}

TEST_F(DriverTest, a_frame_leaves_with_the_bytes_that_the_engine_gave_it) {
  open();
  Frame frame = make_frame('x', 0);
  frame.data -= kHeadroom;  // a header was pushed
  frame.bytes = 60 + kHeadroom;
  std::memset(frame.data, 'h', kHeadroom);
  output_.normal.add(frame);
  driver_->transmit(0, output_);
  void* out = nullptr;
  ASSERT_EQ(rte_ring_dequeue(wires_[0]->tx[0], &out), 0);
  const auto* mbuf = static_cast<rte_mbuf*>(out);
  EXPECT_EQ(mbuf->pkt_len, 60u + kHeadroom);
  EXPECT_EQ(mbuf->data_len, 60u + kHeadroom);
  EXPECT_EQ(rte_pktmbuf_mtod(mbuf, char*)[0], 'h');
  EXPECT_EQ(rte_pktmbuf_mtod(mbuf, char*)[kHeadroom], 'x');
  rte_pktmbuf_free(static_cast<rte_mbuf*>(out));
}

TEST_F(DriverTest, spares_have_the_room_that_the_contract_promises) {
  open();
  driver_->refill(output_);
  ASSERT_EQ(output_.spare.count, kSpares);
  for (const Frame& frame : output_.spare.all()) {
    const rte_mbuf* mbuf = mbuf_of(frame);
    const auto* begin = static_cast<const uint8_t*>(mbuf->buf_addr);
    EXPECT_GE(frame.data - begin, kHeadroom);
    EXPECT_GE(begin + mbuf->buf_len - frame.data, kFrameBytes);
  }
}

TEST_F(DriverTest, what_a_full_port_refuses_is_counted_and_freed) {
  open();
  driver_->refill(output_);
  const uint32_t before = driver_->pool().available() + output_.spare.count;
  for (int i = 0; i < 100; ++i) {  // the ring holds 64
    output_.normal.add(make_frame('x', 0));
  }
  EXPECT_EQ(driver_->transmit(0, output_), 36u);
  EXPECT_EQ(left(0).size(), 64u);
  EXPECT_EQ(driver_->pool().available() + output_.spare.count, before);
}

TEST_F(DriverTest, dropped_and_host_frames_go_back_to_the_pool) {
  open();
  driver_->refill(output_);
  const uint32_t before = driver_->pool().available() + output_.spare.count;
  output_.dropped.add(make_frame('d', 0));
  output_.host.add(make_frame('h', 0));
  driver_->transmit(0, output_);
  EXPECT_EQ(driver_->pool().available() + output_.spare.count, before);
  EXPECT_EQ(left(0) + left(1), "");
}

TEST_F(DriverTest, the_pool_is_one_piece_of_memory) {
  open();
  EXPECT_EQ(driver_->pool().mempool()->nb_mem_chunks, 1u);
}

TEST_F(DriverTest, says_so_when_a_device_has_too_few_queues) {
  WirePort wire;
  StartConfig config;
  config.workers = 2;
  config.devices.push_back({wire.device, 2, 1500});
  try {
    DpdkDriver driver(config, RssKey{});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), wire.device + " has 1 queues; 2 workers need one each.");
  }
}

TEST_F(DriverTest, virtual_devices_are_not_trusted_to_spread_by_a_hash) {
  open(2);
  EXPECT_FALSE(driver_->reply_worker());
  EXPECT_EQ(driver_->name(), "dpdk (net_ring)");
}

TEST_F(DriverTest, frames_checked_by_the_device_are_marked) {
  open();
  rte_mbuf* mbuf = rte_pktmbuf_alloc(driver_->pool().mempool());
  EXPECT_EQ(frame_of(mbuf, 0).checksum, RxChecksum::unknown);
  mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
  EXPECT_EQ(frame_of(mbuf, 0).checksum, RxChecksum::good);
  mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_BAD;
  EXPECT_EQ(frame_of(mbuf, 0).checksum, RxChecksum::bad);
  mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
  EXPECT_EQ(frame_of(mbuf, 0).checksum, RxChecksum::bad);
  rte_pktmbuf_free(mbuf);
}

TEST_F(DriverTest, steering_hands_over_in_order_and_says_when_it_is_full) {
  open();
  Steering steering(3);
  std::vector<rte_mbuf*> mbufs(Steering::kRingFrames + 10);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(driver_->pool().mempool(), mbufs.data(),
                                   static_cast<unsigned>(mbufs.size())),
            0);
  EXPECT_EQ(steering.give(0, 2, mbufs), Steering::kRingFrames);
  rte_mbuf* got[kBurst];
  EXPECT_EQ(steering.take(1, got), 0u);
  EXPECT_EQ(steering.take(2, got), kBurst);
  EXPECT_TRUE(std::equal(got, got + kBurst, mbufs.begin()));
  rte_pktmbuf_free_bulk(got, kBurst);
  rte_pktmbuf_free_bulk(&mbufs[Steering::kRingFrames], 10);
  // What is left in the ring is freed with it.
}

TEST(Idler, sleeps_longer_and_longer_and_wakes_up_with_work) {
  Idler idler(Rest::adaptive);
  for (uint32_t i = 0; i < Idler::kRoundsAwake; ++i) EXPECT_EQ(idler.next_sleep_us(), 0u);
  EXPECT_EQ(idler.next_sleep_us(), Idler::kShortestUs);
  uint32_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t sleep = idler.next_sleep_us();
    EXPECT_GE(sleep, last);
    last = sleep;
  }
  EXPECT_EQ(last, Idler::kLongestUs);
  idler.worked();
  EXPECT_EQ(idler.next_sleep_us(), 0u);
}

TEST(Idler, never_sleeps_when_told_to_be_busy) {
  Idler idler(Rest::busy);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(idler.next_sleep_us(), 0u);
}

}  // namespace
}  // namespace dam

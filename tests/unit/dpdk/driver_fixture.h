// SPDX-License-Identifier: BSD-3-Clause
// The driver on two net_ring ports: what is put into the ring is a frame on the wire.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/drivers/dpdk/driver.h"
#include "tests/unit/dpdk/dpdk_test_environment.h"
#include "tests/unit/dpdk/wire_port.h"

namespace dam {

class DriverTest : public ::testing::Test {
 protected:
  void SetUp() override { need_dpdk(); }

  void open(uint32_t workers = 1) {
    StartConfig config;
    config.workers = workers;
    for (int i = 0; i < 2; ++i) {
      wires_.push_back(std::make_unique<WirePort>(workers));
      config.devices.push_back({wires_.back()->device, workers, 1500});
    }
    driver_ = std::make_unique<DpdkDriver>(config, RssKey{});
  }
  void TearDown() override { driver_.reset(); }

  // A frame of `bytes` bytes, each of value `mark`, arrives at this port.
  void arrive(uint32_t wire, uint8_t mark, uint16_t bytes = 60, uint32_t queue = 0) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(driver_->pool().mempool());
    ASSERT_NE(mbuf, nullptr);
    std::memset(rte_pktmbuf_append(mbuf, bytes), mark, bytes);
    ASSERT_EQ(rte_ring_enqueue(wires_[wire]->rx[queue], mbuf), 0);
  }
  // What left by this port: the first byte of each frame, in order.
  std::string left(uint32_t wire, uint32_t queue = 0) {
    std::string marks;
    void* mbuf = nullptr;
    while (rte_ring_dequeue(wires_[wire]->tx[queue], &mbuf) == 0) {
      marks += *rte_pktmbuf_mtod(static_cast<rte_mbuf*>(mbuf), char*);
      rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    }
    return marks;
  }
  Frame make_frame(char mark, uint8_t port) {
    driver_->refill(output_);
    Frame frame = output_.spare.frame[--output_.spare.count];
    frame.bytes = 60;
    frame.port = port;
    std::memset(frame.data, mark, frame.bytes);
    return frame;
  }

  std::vector<std::unique_ptr<WirePort>> wires_;
  std::unique_ptr<DpdkDriver> driver_;
  Output output_;
};

}  // namespace dam

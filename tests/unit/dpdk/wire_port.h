// SPDX-License-Identifier: BSD-3-Clause
// A DPDK port made of rings: the test is the wire.
#pragma once

#include <gtest/gtest.h>
#include <rte_eth_ring.h>

#include <string>
#include <vector>

namespace dam {

// A port whose two ends are rings in our hands; "net_ring_…" to the driver.
struct WirePort {
  explicit WirePort(uint32_t queues = 1) {
    static int made = 0;  // DPDK keeps the names of closed ports
    const std::string name = "wire" + std::to_string(made++);
    for (uint32_t i = 0; i < queues; ++i) {
      rx.push_back(make(name + "_rx" + std::to_string(i)));
      tx.push_back(make(name + "_tx" + std::to_string(i)));
    }
    const int port = rte_eth_from_rings(name.c_str(), rx.data(), queues, tx.data(), queues, 0);
    EXPECT_GE(port, 0);
    device = "net_ring_" + name;
  }
  ~WirePort() {
    for (rte_ring* ring : rx) rte_ring_free(ring);
    for (rte_ring* ring : tx) rte_ring_free(ring);
  }
  WirePort(const WirePort&) = delete;
  WirePort& operator=(const WirePort&) = delete;

  static rte_ring* make(const std::string& name) {
    rte_ring* ring = rte_ring_create(name.c_str(), 64, 0, RING_F_EXACT_SZ);
    EXPECT_NE(ring, nullptr);
    return ring;
  }

  std::string device;
  std::vector<rte_ring*> rx;
  std::vector<rte_ring*> tx;
};

}  // namespace dam

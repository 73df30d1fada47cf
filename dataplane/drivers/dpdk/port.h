// SPDX-License-Identifier: BSD-3-Clause
// One device of the policy, opened: a queue pair for every worker.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/drivers/dpdk/reply_hash.h"
#include "dataplane/drivers/netdev/link_state.h"
#include "dataplane/engine/policy.h"
#include "dataplane/engine/start_config.h"

namespace dam {

struct QueuePair {
  uint16_t ethdev = 0;
  uint16_t queue = 0;
};

struct PortFacts {
  MacAddress mac{};
  bool rx_checksum = false;
  RssTable rss;        // empty: the device does not spread by a hash that we know
  std::string device;  // the policy's name of it
  std::string driver;  // DPDK's name of it, e.g. "net_af_xdp"
  // What is left behind on a kernel interface, for somebody with privileges to undo.
  bool xdp_program = false;
  bool made_promiscuous = false;
  std::vector<std::string> says;  // what the operator should know, loudest first
};

class Port {
 public:
  // Opens and starts the device. Throws std::runtime_error with a sentence.
  Port(const DeviceConfig& config, uint32_t index, uint32_t workers, const RssKey& key,
       rte_mempool* pool);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const PortFacts& facts() const { return facts_; }
  LinkState link() const;
  uint32_t mtu() const { return config_.mtu; }
  QueuePair queue_pair(uint32_t worker) const { return pairs_[worker]; }

 private:
  void open_kernel_interface(uint32_t workers, const RssKey& key);
  void open_af_packet(uint32_t workers, const RssKey& key, const std::string& why);
  void open_device(const std::string& devargs, const std::string& name, uint32_t queues,
                   const RssKey& key);
  void set_up(uint16_t ethdev, uint32_t queues, const RssKey& key);
  void configure(uint16_t ethdev, uint32_t queues, const RssKey& key);
  void accept_multicast(uint16_t ethdev);
  bool filters_vlans() const;
  void accept_vlans(uint16_t ethdev);
  void close_all();

  DeviceConfig config_;
  uint32_t index_;
  rte_mempool* pool_;
  PortFacts facts_;
  std::vector<QueuePair> pairs_;
  std::vector<uint16_t> ethdevs_;
};

}  // namespace dam

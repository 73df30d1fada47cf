// SPDX-License-Identifier: BSD-3-Clause
// The DPDK driver: meets the Driver concept of engine/frame.h. Ports are opened once, at start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/drivers/dpdk/frame_pool.h"
#include "dataplane/drivers/dpdk/host_path.h"
#include "dataplane/drivers/dpdk/port.h"
#include "dataplane/drivers/dpdk/steering.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/start_config.h"

namespace dam {

class DpdkDriver {
 public:
  // EAL runs already. Opens all devices. Throws std::runtime_error with a sentence.
  DpdkDriver(const StartConfig& config, const RssKey& key);

  // Driver. `queue` is the worker; every queue has one user.
  uint32_t receive(uint32_t queue, std::span<Frame> frames);  // from the next port in turn
  void refill(Output& output) { pool_.refill(output); }
  uint32_t transmit(uint32_t queue, Output& output);

  // Where it counts the frames that it throws away itself.
  void count_into(dam_counters& counters) { counters_ = &counters; }

  uint32_t ports() const { return static_cast<uint32_t>(ports_.size()); }
  const PortFacts& facts(uint32_t port) const { return ports_[port]->facts(); }
  Steering& steering() { return steering_; }
  // Opens the host's way beside these ports; taps: by port, -1: none. Before the workers start.
  void open_host_path(std::vector<int> taps);
  HostPath* host_path() { return host_path_.get(); }
  // Sends what waits there, behind the dam's own; worker 0 alone. True: there was something.
  // Without a policy the dam's connections are strangers to the host, and its refusals of them stay
  // here.
  bool send_for_host(bool has_policy);
  // Frees what has been written there; each worker.
  void take_back_from_host(uint32_t worker);
  // Asks the device; no system call but what its driver makes. Control thread.
  LinkState link(uint32_t port) const { return ports_[port]->link(); }
  uint32_t mtu(uint32_t port) const { return ports_[port]->mtu(); }
  FramePool& pool() { return pool_; }
  // Foretells where NICs put replies; empty when not all of them spread alike by a known hash.
  ReplyWorker reply_worker() const;
  std::string name() const;  // "dpdk (net_af_xdp)"

 private:
  // Frames on their way out, by port, of one worker.
  struct Batch {
    uint32_t count = 0;
    std::array<rte_mbuf*, 2 * (kBurst + kSpares)> mbuf;
  };
  struct alignas(64) Queue {
    uint32_t turn = 0;
    std::vector<Batch> out;
  };

  void hand_to_host(uint32_t queue, FrameList<kBurst>& frames, bool first);
  uint32_t send(uint32_t queue, uint32_t port, Batch& batch);

  dam_counters* counters_ = nullptr;
  FramePool pool_;
  Steering steering_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<Queue> queues_;
  std::unique_ptr<HostPath> host_path_;
};
static_assert(Driver<DpdkDriver>);

// Buffers that the devices, workers and rings of this configuration can hold at once.
uint32_t buffers_for(const StartConfig& config);

}  // namespace dam

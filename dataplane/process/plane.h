// SPDX-License-Identifier: BSD-3-Clause
// One way to get packets to the engine and back: DPDK, or the kernel's XDP.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/drivers/dpdk/worker_loop.h"
#include "dataplane/drivers/netdev/link_state.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/sight_sink.h"
#include "dataplane/engine/start_config.h"
#include "dataplane/process/keeper.h"

namespace dam {

// What a port is like, now.
struct PortSight {
  std::string device;  // as it is driven: a PCI address where the policy may have an interface
  LinkState link;
  uint32_t mtu = 0;     // the largest IP packet
  uint32_t queues = 0;  // that the dam serves
  dam_steering steering = DAM_STEERING_single;
};

class Plane {
 public:
  virtual ~Plane() = default;  // the interfaces are as they were

  virtual std::string name() const = 0;
  virtual uint64_t tsc_hz() const = 0;
  // Blocks of the counters: the engine's workers come first.
  virtual uint32_t counter_blocks() const = 0;
  // Adds what the engine must know of the ports; counters and secrets are there already.
  virtual void complete(EngineConfig& config) = 0;
  virtual void start_workers(Engine& engine) = 0;
  virtual void stop_workers() = 0;
  // Before anybody has it: what memory it takes; throws std::system_error where there is none, and
  // the policy in force stays so in both planes.
  virtual void prepare(const Policy& /*policy*/) {}
  virtual void applied(const Policy& policy) = 0;  // every worker has it
  virtual void tick() {}                           // control thread, every 100 ms
  // Control thread; `port` by the StartConfig's devices.
  virtual PortSight look_at(uint32_t port) const = 0;
  virtual void link_changed(uint32_t /*port*/, bool /*up*/) {}
  // Of what the engine's workers do not tell: what the kernel has dealt with by itself.
  virtual void take_sights(const SightSink& /*sink*/) {}
  virtual uint64_t sights_lost() { return 0; }
  virtual void set_capture(const dam_capture& /*wanted*/) {}
  // Why only a new process can go on; empty: this one does.
  virtual std::string ended_by() const { return {}; }
  // CAP_… that the control thread cannot do without.
  virtual std::vector<uint32_t> capabilities() const = 0;
};

// Once in the life of a process: DPDK cannot start twice. They throw std::runtime_error.
// `tables`: the folder in a tmpfs that keeps what must outlive this process.
std::unique_ptr<Plane> open_dpdk(const StartConfig& config, Rest rest, const std::string& tables,
                                 Keeper& keeper);
// `pins`: the folder in a bpffs that keeps what must outlive this process.
std::unique_ptr<Plane> open_xdp(const StartConfig& config, const uint64_t hash_key[2],
                                const std::string& pins, Keeper& keeper);

// Why these devices cannot be opened, one sentence each, as far as it can be told without trying:
// trying ends the process when it fails.
std::vector<std::string> dpdk_obstacles(const StartConfig& config);

}  // namespace dam

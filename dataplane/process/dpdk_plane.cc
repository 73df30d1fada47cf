// SPDX-License-Identifier: BSD-3-Clause
#include <linux/capability.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

#include "dataplane/drivers/dpdk/device.h"
#include "dataplane/drivers/dpdk/driver.h"
#include "dataplane/drivers/dpdk/eal.h"
#include "dataplane/drivers/dpdk/standing_tables.h"
#include "dataplane/drivers/netdev/host_use.h"
#include "dataplane/drivers/netdev/interface_state.h"
#include "dataplane/drivers/netdev/tap.h"
#include "dataplane/drivers/netdev/xdp_info.h"
#include "dataplane/engine/standing_control.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/dpdk_nics.h"
#include "dataplane/process/own_ports.h"
#include "dataplane/process/plane.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

void start_dpdk(const StartConfig& config, const DpdkNics& nics) {
  const MemoryChoice memory =
      choose_memory(config.hugepages, std::max(config.memory_mib, mib_needed(buffers_for(config))),
                    free_hugepage_bytes());
  if (!memory.refused.empty()) throw std::runtime_error(memory.refused);
  if (!nics.has_iommu() && !memory.hugepages) {
    throw std::runtime_error(
        "Without an IOMMU DPDK needs " + std::to_string(memory.mib) +
        " MiB of huge pages: sysctl -w vm.nr_hugepages=" + std::to_string(memory.mib / 2 + 1));
  }
  say(memory.says);
  const CpuPlan cpus = plan_cpus(allowed_cpus(), config.workers);
  say("CPUs: " + lcores_argument(cpus) + " (0 controls, the others are workers).");
  start_eal(eal_arguments(memory, cpus, nics.addresses(), nics.has_iommu()));
}

// The worker's clock is read from user space only if the kernel trusts the time stamp counter.
void check_clock() {
  std::string source;
  std::ifstream("/sys/devices/system/clocksource/clocksource0/current_clocksource") >> source;
  if (source.empty() || source == "tsc" || source == "kvm-clock" || source.starts_with("hyperv")) {
    return;
  }
  say("WARNING: the kernel's clock source is " + source +
      ": each burst costs a system call to read the time.");
}

int run_worker(void* loop_and_stop) {
  auto* both = static_cast<std::pair<WorkerLoop*, std::atomic<bool>*>*>(loop_and_stop);
  const auto [loop, stop] = *both;
  delete both;
  loop->run(*stop);
  return 0;
}

// "net_af_packet_front,iface=front" sits on a kernel interface too.
std::string interface_below(const std::string& device) {
  const size_t at = device.find(",iface=");
  if (at == std::string::npos || device.starts_with("net_tap")) return {};
  const std::string rest = device.substr(at + 7);
  return rest.substr(0, rest.find(','));
}

std::string obstacle_of(const DeviceConfig& config, uint32_t workers, bool bind) {
  const std::string& device = config.device;
  if (kind_of(device) == DeviceKind::kernel_interface) {
    if (bind) return {};
    const auto program = attached_program(if_nametoindex(device.c_str()));
    if (program && program->name == kOwnProgram) {
      return device + ": connections of driver: xdp stand here. End them: damctl detach";
    }
    return af_xdp_obstacle(device, inspect_interface(device), workers, config.mtu);
  }
  if (kind_of(device) == DeviceKind::pci) return {};
  const std::string interface = interface_below(device);
  if (interface.empty() || inspect_interface(interface).exists) return {};
  return "There is no interface \"" + interface + "\" in this network namespace.";
}

RssKey random_rss_key() {
  RssKey key;
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    throw std::runtime_error("The kernel has no randomness to give.");
  }
  return key;
}

const std::string kNothingStands = "WARNING: Connections will end with this process: ";

// None where there is no such memory.
std::unique_ptr<StandingTables> open_tables(const std::string& folder, const StartConfig& config,
                                            const RssKey& fresh) {
  try {
    return std::make_unique<StandingTables>(folder, config, monotonic_ns(), fresh);
  } catch (const std::runtime_error& error) {
    say(kNothingStands + error.what());
    return nullptr;
  }
}

class DpdkPlane : public Plane {
 public:
  DpdkPlane(StartConfig config, Rest rest, const std::string& tables, Keeper& keeper)
      : nics_(config), rest_(rest), workers_(config.workers) {
    check_clock();
    start_dpdk(config, nics_);
    const RssKey fresh = random_rss_key();
    tables_ = open_tables(tables, config, fresh);
    driver_ = std::make_unique<DpdkDriver>(config, tables_ == nullptr ? fresh : tables_->rss_key());
    say_ports(keeper);
    open_host_path(config, keeper);
  }
  ~DpdkPlane() override {
    DpdkPlane::stop_workers();
    if (recorded_ != 0) {
      say("Standing connections wait for the next dataplane; damctl detach ends them.");
    }
  }

  std::string name() const override { return driver_->name(); }
  uint64_t tsc_hz() const override { return rte_get_tsc_hz(); }
  uint32_t counter_blocks() const override { return workers_; }
  void complete(EngineConfig& config) override {
    driver_->count_into(*config.counters);
    for (Interface& one : config.interfaces) one.mac = driver_->facts(one.port).mac;
    config.reply_worker = driver_->reply_worker();
    share_tables(config);
  }
  void start_workers(Engine& engine) override;
  void stop_workers() override {
    stop_.store(true);
    rte_eal_mp_wait_lcore();
    if (driver_ != nullptr && driver_->host_path() != nullptr) driver_->host_path()->stop();
  }
  void prepare(const Policy& policy) override;
  void applied(const Policy& policy) override;
  void tick() override {
    share_secrets();
    if (tables_ != nullptr) tables_->beat(monotonic_ns());
  }
  PortSight look_at(uint32_t port) const override;
  void link_changed(uint32_t port, bool up) override;
  // The host's ports are reserved with each policy.
  std::vector<uint32_t> capabilities() const override {
    if (own_ports_) return {CAP_NET_ADMIN};
    return {};
  }

 private:
  void say_ports(Keeper& keeper) const;
  void open_host_path(const StartConfig& config, Keeper& keeper);
  int open_host_interface(const DeviceConfig& device, uint32_t port);
  void share_tables(EngineConfig& config);
  void share_secrets();

  DpdkNics nics_;
  Rest rest_;
  uint32_t workers_;
  std::unique_ptr<StandingTables> tables_;  // none: the engine has its own
  const Engine* engine_ = nullptr;
  uint32_t secret_generation_ = 0xffffffffu;
  uint64_t recorded_ = 0;  // version of the policy whose slots are; bans come under the same
  std::unique_ptr<DpdkDriver> driver_;
  std::vector<std::unique_ptr<WorkerLoop>> loops_;
  std::atomic<bool> stop_{false};
  std::array<uint64_t, 1024> reserved_{};
  std::optional<OwnPorts> own_ports_;  // where the host has a way beside the dam
};

// Beside each port whose policy asks for it. Where the kernel's interface is gone, the new one
// takes its name, its addresses and its routes, so that connections of the host go on.
void DpdkPlane::open_host_path(const StartConfig& config, Keeper& keeper) {
  std::vector<int> taps(config.devices.size(), -1);
  for (uint32_t port = 0; port < taps.size(); ++port) {
    if (config.devices[port].host_path == HostPathWish::open) {
      taps[port] = open_host_interface(config.devices[port], port);
    }
  }
  if (std::all_of(taps.begin(), taps.end(), [](int tap) { return tap < 0; })) return;
  driver_->open_host_path(std::move(taps));
  keeper.changed_ports();
  own_ports_.emplace(false, reserved_);
}

int DpdkPlane::open_host_interface(const DeviceConfig& device, uint32_t port) {
  const NicRecord* before = nics_.before(device.device);
  const bool successor = before != nullptr && !before->interface.empty();
  const std::string name = successor ? before->interface : "dam-host" + std::to_string(port);
  const int tap = open_tap(name, driver_->facts(port).mac, device.mtu);
  say("Host: " + name + " is the host's way by " + device.device +
      (successor ? ", with what it had." : "."));
  if (!successor) return tap;
  InterfaceState state = before->state;
  state.mtu = 0;  // the policy's
  state.up = true;
  for (const std::string& sentence : give_state(name, state)) say("WARNING: " + sentence);
  return tap;
}

PortSight DpdkPlane::look_at(uint32_t port) const {
  const bool one = workers_ == 1;
  const bool by_hash = !one && driver_->reply_worker() != nullptr;
  return {.device = driver_->facts(port).device,
          .link = driver_->link(port),
          .mtu = driver_->mtu(port),
          .queues = workers_,
          .steering = one       ? DAM_STEERING_single
                      : by_hash ? DAM_STEERING_nic_hash
                                : DAM_STEERING_handoff};
}

// The host sees the cable at its own interface.
void DpdkPlane::link_changed(uint32_t port, bool up) {
  if (driver_->host_path() != nullptr) driver_->host_path()->set_link(port, up);
}

// The ports are open: what does not go on may be forgotten.
void DpdkPlane::share_tables(EngineConfig& config) {
  if (tables_ == nullptr) return;
  try {
    tables_->complete(config, monotonic_ns());
  } catch (const std::runtime_error& error) {
    say(kNothingStands + error.what());
    tables_.reset();
    return;
  }
  if (!tables_->ended().empty()) {
    say("The connections of the run before end, for " + tables_->ended() + ".");
  }
}

// Before a flow can name a slot that is new.
void DpdkPlane::prepare(const Policy& policy) {
  if (tables_ != nullptr && recorded_ != policy.version) tables_->announce(policy);
}

// Before the first policy, too: who adopts the tables answers cookies by them.
void DpdkPlane::share_secrets() {
  if (tables_ == nullptr || engine_ == nullptr) return;
  if (std::exchange(secret_generation_, engine_->secret_generation()) ==
      engine_->secret_generation()) {
    return;
  }
  set_secrets(tables_->control(), engine_->secrets());
}

void DpdkPlane::applied(const Policy& policy) {
  if (tables_ != nullptr && std::exchange(recorded_, policy.version) != policy.version) {
    tables_->settle(policy);
  }
  if (!own_ports_) return;
  const std::string ports =
      own_ports_->reserve({policy.source_ports.first, policy.source_ports.last});
  if (!ports.empty()) say(ports);
}

void DpdkPlane::say_ports(Keeper& keeper) const {
  for (uint32_t i = 0; i < driver_->ports(); ++i) {
    const PortFacts& facts = driver_->facts(i);
    if (facts.xdp_program || facts.made_promiscuous) {
      keeper.changed_interface(
          facts.device, {.xdp_program = facts.xdp_program, .promiscuous = facts.made_promiscuous});
    }
    for (const std::string& sentence : facts.says) say(sentence);
    say("Port " + std::to_string(i) + ": " + facts.device + " by " + facts.driver +
        (facts.rx_checksum ? ", checksums checked by the device." : "."));
  }
  if (driver_->steering().workers() == 1) return;
  say(driver_->reply_worker() ? "Replies return to their worker by the NIC's own hash."
                              : "Replies are handed from worker to worker in software.");
}

void DpdkPlane::start_workers(Engine& engine) {
  engine_ = &engine;
  share_secrets();
  if (driver_->host_path() != nullptr) driver_->host_path()->start();
  for (uint32_t i = 0; i < workers_; ++i) {
    loops_.push_back(std::make_unique<WorkerLoop>(*driver_, engine, i, rest_, monotonic_ns));
    auto* both = new std::pair<WorkerLoop*, std::atomic<bool>*>(loops_[i].get(), &stop_);
    if (rte_eal_remote_launch(run_worker, both, i + 1) != 0) {
      throw std::runtime_error("Worker " + std::to_string(i) + " does not start.");
    }
  }
}

}  // namespace

std::vector<std::string> dpdk_obstacles(const StartConfig& config) {
  std::vector<std::string> obstacles = obstacles_to_nics(config);
  for (const DeviceConfig& device : config.devices) {
    const std::string obstacle = obstacle_of(device, config.workers, config.dpdk_bind);
    if (!obstacle.empty()) obstacles.push_back(obstacle);
  }
  return obstacles;
}

std::unique_ptr<Plane> open_dpdk(const StartConfig& config, Rest rest, const std::string& tables,
                                 Keeper& keeper) {
  return std::make_unique<DpdkPlane>(config, rest, tables, keeper);
}

}  // namespace dam

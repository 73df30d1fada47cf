// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/running.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/random.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "dataplane/drivers/dpdk/device.h"
#include "dataplane/drivers/dpdk/eal.h"
#include "dataplane/ipc/policy_builder.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

constexpr uint64_t kSecretLifeNs = 60'000'000'000;

void fill_random(void* bytes, size_t count) {
  if (getrandom(bytes, count, 0) != static_cast<ssize_t>(count)) {
    throw std::runtime_error("The kernel has no randomness to give.");
  }
}

void start_dpdk(const StartConfig& config) {
  const MemoryChoice memory =
      choose_memory(config.hugepages, std::max(config.memory_mib, mib_needed(buffers_for(config))),
                    free_hugepage_bytes());
  if (!memory.refused.empty()) throw std::runtime_error(memory.refused);
  say(memory.says);
  const CpuPlan cpus = plan_cpus(allowed_cpus(), config.workers);
  std::vector<std::string> pci;
  for (const DeviceConfig& device : config.devices) {
    if (kind_of(device.device) == DeviceKind::pci) pci.push_back(device.device);
  }
  say("CPUs: " + lcores_argument(cpus) + " (0 controls, the others are workers).");
  start_eal(eal_arguments(memory, cpus, pci));
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

std::string obstacle_of(const DeviceConfig& config, uint32_t workers) {
  const std::string& device = config.device;
  if (kind_of(device) == DeviceKind::kernel_interface) {
    return af_xdp_obstacle(device, inspect_interface(device), workers, config.mtu);
  }
  if (kind_of(device) == DeviceKind::pci) {
    const std::string address = device.find(':') == 2 ? "0000:" + device : device;
    const bool there = std::filesystem::exists("/sys/bus/pci/devices/" + address);
    return there ? "" : "There is no PCI device " + device + ".";
  }
  const std::string interface = interface_below(device);
  if (interface.empty() || inspect_interface(interface).exists) return {};
  return "There is no interface \"" + interface + "\" in this network namespace.";
}

}  // namespace

std::vector<std::string> obstacles_of(const StartConfig& config) {
  if (config.driver == "xdp") {
    return {"The XDP driver comes with the next version; this one has driver: dpdk."};
  }
  std::vector<std::string> obstacles;
  for (const DeviceConfig& device : config.devices) {
    const std::string obstacle = obstacle_of(device, config.workers);
    if (!obstacle.empty()) obstacles.push_back(obstacle);
  }
  return obstacles;
}

Running::Running(const StartConfig& config, const std::string& counters_path, Rest rest,
                 Keeper& keeper)
    : limits_(config.limits) {
  check_clock();
  start_dpdk(config);
  RssKey rss_key;
  fill_random(rss_key.data(), rss_key.size());
  driver_ = std::make_unique<DpdkDriver>(config, rss_key);
  say_ports(keeper);
  counters_ = std::make_unique<CountersFile>(counters_path, driver_->name(), config.workers,
                                             rte_get_tsc_hz());
  driver_->count_into(*counters_->counters());
  EngineConfig engine;
  engine.limits = config.limits;
  engine.workers = config.workers;
  engine.interfaces = config.interfaces;
  for (Interface& interface : engine.interfaces) interface.mac = driver_->facts(interface.port).mac;
  engine.counters = counters_->counters();
  fill_random(engine.hash_key, sizeof engine.hash_key);
  fill_random(engine.cookie_key, sizeof engine.cookie_key);
  engine.tsc_hz = rte_get_tsc_hz();
  engine.reply_worker = driver_->reply_worker();
  engine_ = std::make_unique<Engine>(std::move(engine));
  for (uint32_t i = 0; i < config.workers; ++i) {
    loops_.push_back(std::make_unique<WorkerLoop>(*driver_, *engine_, i, rest));
  }
}

Running::~Running() {
  stop_.store(true);
  rte_eal_mp_wait_lcore();
}

void Running::say_ports(Keeper& keeper) const {
  for (uint32_t i = 0; i < driver_->ports(); ++i) {
    const PortFacts& facts = driver_->facts(i);
    if (facts.xdp_program || facts.made_promiscuous) {
      keeper.changed_interface(facts.device, facts.xdp_program, facts.made_promiscuous);
    }
    for (const std::string& sentence : facts.says) say(sentence);
    say("Port " + std::to_string(i) + ": " + facts.device + " by " + facts.driver +
        (facts.rx_checksum ? ", checksums checked by the device." : "."));
  }
  if (driver_->steering().workers() == 1) return;
  say(driver_->reply_worker() ? "Replies return to their worker by the NIC's own hash."
                              : "Replies are handed from worker to worker in software.");
}

void Running::start_workers() {
  for (uint32_t i = 0; i < loops_.size(); ++i) {
    auto* both = new std::pair<WorkerLoop*, std::atomic<bool>*>(loops_[i].get(), &stop_);
    if (rte_eal_remote_launch(run_worker, both, i + 1) != 0) {
      throw std::runtime_error("Worker " + std::to_string(i) + " does not start.");
    }
  }
}

std::vector<std::string> Running::apply(const v1::Snapshot& snapshot) {
  PolicyResult result = build_policy(snapshot, limits_, policy_.get());
  if (!result.errors.empty()) return result.errors;
  engine_->apply(result.policy);
  policy_ = result.policy;
  counters_->mirror_names(*policy_);
  wait_until_applied();
  return {};
}

void Running::wait_until_applied() const {
  for (int i = 0; i < 1000 && !engine_->applied_everywhere(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Running::tick(uint64_t now_ns) {
  engine_->control_tick(now_ns);
  if (now_ns < next_secret_ns_) return;
  if (next_secret_ns_ != 0) {
    uint64_t fresh[2];
    fill_random(fresh, sizeof fresh);
    engine_->rotate_secret(fresh);
  }
  next_secret_ns_ = now_ns + kSecretLifeNs;
}

}  // namespace dam

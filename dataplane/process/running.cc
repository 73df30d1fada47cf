// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/running.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "dataplane/drivers/netdev/driver_choice.h"
#include "dataplane/drivers/netdev/memory_file.h"
#include "dataplane/drivers/xdp/driver.h"
#include "dataplane/engine/worker.h"
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

AddressHash random_hash() {
  AddressHash hash;
  fill_random(hash.key, sizeof hash.key);
  return hash;
}

// Nobody would go on with them, and they take memory.
void end_standing_dpdk(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return;
  try {
    MemoryFile(folder).remove();
    say("The connections of the run before end, for its driver was dpdk.");
  } catch (const std::runtime_error& failure) {
    say(std::string("WARNING: ") + failure.what());
  }
}

}  // namespace

std::string settle_driver(StartConfig& config) {
  if (config.driver != "auto") return {};
  std::vector<std::string> devices;
  for (const DeviceConfig& device : config.devices) devices.push_back(device.device);
  const bool no_hugepages = config.hugepages == Hugepages::off;
  DriverChoice choice = choose_driver(look_at_host(devices, config.workers, no_hugepages));
  config.driver = std::move(choice.driver);
  return std::move(choice.reason);
}

std::vector<std::string> obstacles_of(const StartConfig& config) {
  return config.driver == "xdp" ? xdp_obstacles(config) : dpdk_obstacles(config);
}

Running::Running(const StartConfig& config, const Options& options, Keeper& keeper)
    : limits_(config.limits), address_hash_(random_hash()) {
  EngineConfig engine;
  fill_random(engine.hash_key, sizeof engine.hash_key);
  fill_random(engine.cookie_key, sizeof engine.cookie_key);
  const bool xdp = config.driver == "xdp";
  if (xdp) end_standing_dpdk(options.tables);
  const Rest rest = options.busy_poll ? Rest::busy : Rest::adaptive;
  plane_ = xdp ? open_xdp(config, engine.hash_key, options.pins, keeper)
               : open_dpdk(config, rest, options.tables, keeper);
  counters_ = std::make_unique<CountersFile>(options.counters, plane_->name(),
                                             plane_->counter_blocks(), plane_->tsc_hz());
  links_ = std::make_unique<LinkWatch>(config, *counters_->counters());
  engine.limits = config.limits;
  engine.workers = xdp ? 1 : config.workers;
  engine.interfaces = config.interfaces;
  engine.counters = counters_->counters();
  engine.tsc_hz = plane_->tsc_hz();
  plane_->complete(engine);
  if (engine.standing) policy_ = engine.standing->policy;  // the next one's slots agree with it
  engine_ = std::make_unique<Engine>(std::move(engine));
}

// The workers end before the engine does, and the engine before what its tables lie in.
Running::~Running() {
  plane_->stop_workers();
  engine_.reset();
}

void Running::start_workers() { plane_->start_workers(*engine_); }

std::vector<std::string> Running::apply(const v1::Snapshot& snapshot, const ServerStates& states) {
  PolicyResult result = build_policy(snapshot, limits_, policy_.get());
  if (!result.errors.empty()) return result.errors;
  // A drained server that is new here takes none for a moment either.
  order_servers(*result.policy, states);
  put_in_force(std::move(result.policy));
  return {};
}

void Running::put_in_force(std::shared_ptr<Policy> policy) {
  policy->bans = bans_;
  policy->ja4_bans = ja4_bans_;
  policy->bans_grown = bans_grown_;
  policy->derive();
  plane_->prepare(*policy);
  engine_->apply(policy);
  policy_ = std::move(policy);
  counters_->mirror_names(*policy_);
  wait_until_applied();
  plane_->applied(*policy_);
}

// A policy like the one in force, but for its bans: it comes whole, between two bursts, like any.
template <class Bans>
void Running::change(Bans& bans, Bans wanted, bool grown) {
  std::swap(bans, wanted);
  bans_grown_ += grown ? 1 : 0;
  if (engine_->policy() == nullptr) return;
  try {
    put_in_force(std::make_shared<Policy>(*policy_));
  } catch (...) {
    std::swap(bans, wanted);
    throw;
  }
}

void Running::set_bans(PrefixSet bans, bool grown) { change(bans_, std::move(bans), grown); }

void Running::set_bans(std::vector<Ja4Pattern> bans, bool grown) {
  change(ja4_bans_, std::move(bans), grown);
}

void Running::order_servers(const ServerStates& states) {
  if (policy_ != nullptr) order_servers(*policy_, states);
}

void Running::order_servers(const Policy& policy, const ServerStates& states) {
  for (size_t slot = 0; slot < policy.servers.size(); ++slot) {
    engine_->order(static_cast<uint16_t>(slot), states.order_of(policy.servers[slot].name));
  }
}

void Running::wait_until_applied() const {
  for (int i = 0; i < 1000 && !engine_->applied_everywhere(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool Running::workers_move() {
  bool all = true;
  for (uint32_t w = 0; w < engine_->config().workers; ++w) {
    const dam_worker_counters& counters = counters_->counters()->worker[w];
    const uint64_t cycles = __atomic_load_n(&counters.busy_cycles, __ATOMIC_RELAXED) +
                            __atomic_load_n(&counters.idle_cycles, __ATOMIC_RELAXED);
    all = all && cycles != cycles_seen_[w];
    cycles_seen_[w] = cycles;
  }
  return all;
}

void Running::tick(uint64_t now_ns) {
  engine_->control_tick(now_ns);
  plane_->tick();
  links_->tick(*plane_);
  zone_bans_.tick(*engine_, bans_begun(), now_ns);
  top_.tick(now_ns);
  publish_fill();
  if (now_ns < next_secret_ns_) return;
  if (next_secret_ns_ != 0) {
    uint64_t fresh[2];
    fill_random(fresh, sizeof fresh);
    engine_->rotate_secret(fresh);
  }
  next_secret_ns_ = now_ns + kSecretLifeNs;
}

void Running::publish_fill() {
  dam_counters& counters = *counters_->counters();
  const auto publish = [&counters](dam_table table, uint64_t used, uint64_t capacity) {
    __atomic_store_n(&counters.table_used[table], used, __ATOMIC_RELAXED);
    __atomic_store_n(&counters.table_capacity[table], capacity, __ATOMIC_RELAXED);
  };
  publish(DAM_TABLE_log_connections, log_book_.connections(), LogBook::kMostConnections);
  publish(DAM_TABLE_log_refusals, log_book_.refusals(), LogBook::kMostKinds);
}

void Running::take_sights(const SightSink& also) {
  const SightSink take = [&](const dam_sight& sight, std::span<const uint8_t> frame) {
    top_.take(sight);
    recent_drops_.take(sight);
    log_book_.take(sight);
    also(sight, frame);
  };
  dam_sight sight;
  SightRing::FrameBytes frame;
  for (uint32_t i = 0; i < engine_->config().workers; ++i) {
    for (uint32_t left = kMostSightsAtOnce; left > 0; --left) {
      if (!engine_->worker(i).take_sight(sight, frame)) break;
      take(sight, {frame.data(), sight.captured_bytes});
    }
  }
  plane_->take_sights(take);
  take_refused();
  take_hellos();
  take_records();
}

// A worker names what it refuses before it tells of it: whose sight is taken has been named.
void Running::take_refused() {
  for (const RefusedHello& one : std::exchange(early_, {})) name(one);
  RefusedHello refused;
  for (uint32_t i = 0; i < engine_->config().workers; ++i) {
    for (uint32_t left = kMostSightsAtOnce; left > 0; --left) {
      if (!engine_->worker(i).take_refused(refused)) break;
      if (!name(refused)) early_.push_back(refused);
    }
  }
}

bool Running::name(const RefusedHello& refused) {
  const bool known = recent_drops_.name(refused);
  return log_book_.name(refused) && known;
}

void Running::take_hellos() {
  Ja4 ja4;
  for (uint32_t i = 0; i < engine_->config().workers; ++i) {
    for (uint32_t left = kMostSightsAtOnce; left > 0; --left) {
      if (!engine_->worker(i).take_hello(ja4)) break;
      top_.take(ja4);
    }
  }
}

void Running::take_records() {
  ConnectionRecord record;
  uint64_t lost = 0;
  for (uint32_t i = 0; i < engine_->config().workers; ++i) {
    for (uint32_t left = kMostSightsAtOnce; left > 0; --left) {
      if (!engine_->worker(i).take_record(record)) break;
      log_book_.take(record);
    }
    lost += engine_->worker(i).records_lost();
  }
  if (lost != records_lost_) log_book_.lost((lost - records_lost_) * log_every());
  records_lost_ = lost;
}

// How many connections a record stands for; after a change of the policy, about.
uint64_t Running::log_every() const {
  return policy_ == nullptr ? 1 : std::max(policy_->log_connections_every, 1u);
}

void Running::give_log(uint64_t now_ns, uint64_t unix_ns, v1::Log& to) {
  if (policy_ == nullptr) return;
  log_book_.give(*policy_, now_ns, unix_ns, to);
  const uint64_t lost = sights_lost();
  to.set_lost_sights(lost - sights_told_lost_);
  sights_told_lost_ = lost;
}

void Running::set_capture(const dam_capture& wanted) {
  engine_->set_capture(wanted);
  plane_->set_capture(wanted);
}

uint64_t Running::sights_lost() const {
  uint64_t lost = plane_->sights_lost();
  for (uint32_t i = 0; i < engine_->config().workers; ++i) {
    lost += engine_->worker(i).sights_lost();
  }
  return lost;
}

uint64_t Running::bans_begun() const {
  const dam_counters& counters = *counters_->counters();
  uint64_t begun = 0;
  for (uint32_t worker = 0; worker < plane_->counter_blocks(); ++worker) {
    for (const dam_zone_counters& zone : counters.worker[worker].zones) {
      for (const uint64_t& bans : zone.bans) begun += __atomic_load_n(&bans, __ATOMIC_RELAXED);
    }
  }
  return begun;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/threads/workers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

Limits limits_of() {
  Limits limits;
  limits.flows = 1024;
  limits.half_open = 768;
  limits.sources = 96;
  limits.hold_bytes = 768 * (16384 + 2048);
  return limits;
}

}  // namespace

SharedCounters::SharedCounters() : fd_(memfd_create("counters", MFD_CLOEXEC)) {
  if (ftruncate(fd_, sizeof(dam_counters)) != 0) std::abort();
  memory_ = static_cast<dam_counters*>(
      mmap(nullptr, sizeof(dam_counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
}

SharedCounters::~SharedCounters() {
  munmap(memory_, sizeof(dam_counters));
  close(fd_);
}

std::unique_ptr<dam_counters> SharedCounters::read() const {
  auto copy = std::make_unique<dam_counters>();
  if (pread(fd_, copy.get(), sizeof *copy, 0) != sizeof *copy) copy.reset();
  return copy;
}

Workers::Workers(std::vector<Client> clients, const Policy& policy) : clients_(std::move(clients)) {
  EngineConfig config;
  config.limits = limits_of();
  config.workers = kWorkers;
  config.interfaces = small_interfaces();
  config.counters = counters_.memory();
  config.hash_key[0] = config.cookie_key[1] = 7;
  engine_ = std::make_unique<Engine>(std::move(config));
  for (uint32_t i = 0; i < kWorkers; ++i) {
    Lane& lane = lanes_.emplace_back(i);
    lane.peers = std::make_unique<Peers>(clients_, [this, &lane](const Packet& packet) {
      lane.random = lane.random * 1664525 + 1013904223;
      if (!arrivals_.push(lane.index, (lane.random >> 16) % kWorkers, packet)) ++lost_;
    });
  }
  apply(policy);
  for (int i = 0; i < 100; ++i) {  // ARP
    for (Lane& lane : lanes_) go_round(lane);
    now_ns_ += kRoundNs;
  }
  may_go_ = lanes_[0].rounds.load();
}

Workers::~Workers() { stop(); }

void Workers::apply(Policy policy) {
  policy.version = ++version_;
  policy.limits = limits_of();
  policy.derive();
  engine_->apply(std::make_shared<const Policy>(std::move(policy)));
}

void Workers::begin(size_t first, size_t count) {
  for (Client& client : std::span(clients_).subspan(first, count)) {
    const Packet syn = lanes_[0].peers->syn_of(client);
    if (!arrivals_.push(kWorkers, client.id % kWorkers, syn)) ++lost_;
  }
}

void Workers::run() {
  for (Lane& lane : lanes_) {
    threads_.emplace_back([this, &lane] {
      while (!stop_.load(std::memory_order_relaxed)) {
        if (lane.rounds.load() < may_go_.load()) go_round(lane);
        std::this_thread::yield();
      }
    });
  }
}

// No worker goes round twice before the others have, and the control thread, gone once.
bool Workers::go_on_until(const std::function<bool(const Tally&)>& enough,
                          const std::function<void(uint64_t)>& meanwhile) {
  while (may_go_ < kRounds) {
    if (enough(tally())) return true;
    const uint64_t round = may_go_.fetch_add(1);
    meanwhile(round);
    for (const Lane& lane : lanes_) {
      while (lane.rounds.load() <= round) std::this_thread::yield();
    }
    now_ns_.fetch_add(kRoundNs, std::memory_order_relaxed);
  }
  return false;
}

void Workers::stop() {
  stop_ = true;
  threads_.clear();
}

bool Workers::has_all_frames() const {
  return lost_ == 0 && std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
           return lane.frames.has_all(lane.output);
         });
}

// Its own arrivals first, then what others hand over.
uint32_t Workers::take(Lane& lane, std::array<Frame, kBurst>& burst) {
  uint32_t count = 0;
  Packet packet;
  for (uint32_t i = 0; i < kBurst / 2 && arrivals_.pop(lane.index, packet); ++i) {
    const Frame frame = lane.frames.make({packet.data.data(), packet.bytes}, packet.port);
    const uint32_t owner = engine_->worker(lane.index).owner_of(frame);
    if (owner == lane.index) {
      burst[count++] = frame;
      continue;
    }
    lane.frames.give(frame);
    if (!handed_.push(lane.index, owner, packet)) ++lost_;
    ++handed_off_;
  }
  while (count < kBurst && handed_.pop(lane.index, packet)) {
    burst[count++] = lane.frames.make({packet.data.data(), packet.bytes}, packet.port);
  }
  return count;
}

void Workers::go_round(Lane& lane) {
  Worker& worker = engine_->worker(lane.index);
  std::array<Frame, kBurst> burst;
  const uint32_t count = take(lane, burst);
  if (count > 0) {
    lane.frames.top_up(lane.output);
    worker.poll({burst.data(), count}, lane.output, now_ns());
    transmit(lane);
  }
  lane.frames.top_up(lane.output);
  worker.tick(lane.output, now_ns());
  transmit(lane);
  if (fire_) lane.peers->fire();
  publish(lane);
  ++lane.rounds;
}

void Workers::transmit(Lane& lane) {
  const auto take_back = [&](auto& list, bool sent) {
    for (const Frame& frame : list.all()) {
      if (sent) lane.peers->receive(frame);
      lane.frames.give(frame);
    }
    list.count = 0;
  };
  take_back(lane.output.urgent, true);
  take_back(lane.output.normal, true);
  take_back(lane.output.dropped, false);
  take_back(lane.output.host, false);
  take_back(lane.output.host_first, false);
}

void Workers::publish(Lane& lane) {
  const Tally& seen = lane.peers->tally();
  lane.finished = seen.finished;
  lane.closed = seen.closed_by_server;
  lane.reset = seen.reset;
  lane.wrong = seen.wrong;
  lane.blasted = seen.blasted;
}

Tally Workers::tally() const {
  Tally sum;
  for (const Lane& lane : lanes_) {
    sum.finished += lane.finished;
    sum.closed_by_server += lane.closed;
    sum.reset += lane.reset;
    sum.wrong += lane.wrong;
    sum.blasted += lane.blasted;
  }
  return sum;
}

}  // namespace dam::test

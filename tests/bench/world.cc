// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/world.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "tests/bench/hello_bytes.h"

namespace dam::bench {
namespace {

constexpr uint32_t kArenaFrames = 32768;
constexpr uint64_t kBurstNs = 2150;  // 32 x 67.2 ns
constexpr uint64_t kTickNs = 1'000'000;
constexpr uint64_t kStartNs = uint64_t{1} << 40, kEarlyNs = 1'000'000'000;
// The worker looks at every flow after a new policy; buckets that an earlier one emptied fill up.
constexpr uint64_t kSettleNs = 15'000'000'000;
constexpr uint32_t kSetupHelloBytes = 500;

}  // namespace

FrameArena::FrameArena(uint32_t frames) : frames_(frames), memory_(size_t{frames} * kStride) {}

void FrameArena::add_to(std::vector<Frame>& list) {
  for (uint32_t i = 0; i < frames_; ++i) {
    Frame frame;
    frame.data = memory_.data() + size_t{i} * kStride + kDataOffset;
    list.push_back(frame);
  }
}

World::World(const Sizes& sizes, uint32_t extra_flows, const SharedTables& shared)
    : sizes_(sizes),
      arena_(kArenaFrames),
      peer_(sizes.flows + extra_flows, servers_for(sizes.flows * sizes.workers),
            client_hello(kServedName, kSetupHelloBytes)),
      counters_(new dam_counters()),
      now_ns_(shared ? kEarlyNs : kStartNs) {
  arena_.add_to(outbox_.spare);
  sent_.reserve(kArenaFrames);
  unsent_.reserve(kArenaFrames);
  EngineConfig config;
  config.limits = site_limits(sizes.flows * sizes.workers);
  config.interfaces = site_interfaces();
  config.counters = counters_.get();
  std::copy_n(kHashKey, 2, config.hash_key);
  config.cookie_key[0] = 0x13579bdf02468ace;
  config.cookie_key[1] = 0xeca86420fdb97531;
  config.tsc_hz = 1'000'000'000;
  config.workers = sizes.workers;
  config.shared = shared;
  engine_ = std::make_shared<Engine>(std::move(config));
  apply(policy_with({.requests = true}));  // so that each scene may count them
  open(0, sizes.flows, Goal::splice);
}

World::World(World& first, uint32_t worker)
    : sizes_(first.sizes_),
      worker_(worker),
      arena_(kArenaFrames),
      peer_((worker + 1) * sizes_.flows, servers_for(sizes_.flows * sizes_.workers),
            client_hello(kServedName, kSetupHelloBytes)),
      engine_(first.engine_),
      now_ns_(first.now_ns_) {
  arena_.add_to(outbox_.spare);
  sent_.reserve(kArenaFrames);
  unsent_.reserve(kArenaFrames);
  open(first_flow(), sizes_.flows, Goal::splice);
}

std::shared_ptr<const Policy> World::policy_with(const SiteOptions& options) const {
  return site_policy(sizes_, options);
}

void World::apply(const std::shared_ptr<const Policy>& policy) {
  if (policy == applied_) return;
  applied_ = policy;
  engine_->apply(policy);
  advance(kSettleNs);
}

void World::top_up() {
  while (output_.spare.count < kSpares) {
    output_.spare.add(outbox_.spare.back());
    outbox_.spare.pop_back();
  }
}

void World::collect() {
  const auto append = [](std::vector<Frame>& to, std::span<Frame> frames) {
    to.insert(to.end(), frames.begin(), frames.end());
  };
  append(sent_, output_.urgent.all());
  append(sent_, output_.normal.all());
  append(unsent_, output_.dropped.all());
  append(unsent_, output_.host.all());
  tally_.dropped += output_.dropped.count;
  tally_.to_host += output_.host.count;
  output_.urgent.count = output_.normal.count = output_.dropped.count = output_.host.count = 0;
}

void World::tick() {
  top_up();
  worker().tick(output_, now_ns_);
  collect();
  tick_at_ns_ = now_ns_ + kTickNs;
}

void World::burst(std::span<Frame> frames) {
  now_ns_ += kBurstNs;
  if (now_ns_ >= tick_at_ns_) tick();
  top_up();
  worker().poll(frames, output_, now_ns_);
  collect();
}

std::vector<Frame> World::take_frames(uint32_t count) {
  std::vector<Frame> frames(outbox_.spare.end() - count, outbox_.spare.end());
  outbox_.spare.resize(outbox_.spare.size() - count);
  for (Frame& frame : frames) frame.checksum = RxChecksum::good;
  return frames;
}

Tally World::settle(bool deliver) {
  Tally tally = std::exchange(tally_, {});
  tally.sent = sent_.size();
  for (const Frame& frame : sent_) {
    if (deliver) peer_.receive(frame.port, {frame.data, frame.bytes}, outbox_);
    outbox_.spare.push_back(frame);
  }
  outbox_.spare.insert(outbox_.spare.end(), unsent_.begin(), unsent_.end());
  sent_.clear();
  unsent_.clear();
  return tally;
}

void World::pump() {
  settle(true);
  while (!outbox_.ready.empty()) {
    std::vector<Frame> frames = std::exchange(outbox_.ready, {});
    for (size_t i = 0; i < frames.size(); i += kBurst) {
      burst(std::span(frames).subspan(i, std::min<size_t>(kBurst, frames.size() - i)));
    }
    settle(true);
  }
}

void World::advance(uint64_t duration_ns) {
  const uint64_t end_ns = now_ns_ + duration_ns;
  while (now_ns_ < end_ns) {
    now_ns_ += kTickNs;
    tick();
    pump();
  }
  engine_->control_tick(now_ns_);
}

void World::open(uint32_t first, uint32_t count, Goal goal) {
  constexpr uint32_t kAtOnce = 256;
  const uint32_t cookies = peer_.cookies();
  const uint32_t spliced = peer_.spliced();
  for (uint32_t i = 0; i < count; ++i) {
    peer_.send_syn(first + i, goal, outbox_);
    if (outbox_.ready.size() == kAtOnce || i + 1 == count) pump();
  }
  const bool whole = peer_.cookies() - cookies == count &&
                     (goal != Goal::splice || peer_.spliced() - spliced == count);
  if (whole) return;
  report_drops();
  throw std::runtime_error("of " + std::to_string(count) + " connections " +
                           std::to_string(peer_.cookies() - cookies) + " got a cookie and " +
                           std::to_string(peer_.spliced() - spliced) + " their server");
}

uint64_t World::drops(dam_drop_reason reason) const {
  uint64_t sum = 0;
  for (const dam_zone_counters& zone : engine_->config().counters->worker[worker_].zones)
    sum += zone.drops[reason];
  return sum;
}

void World::report_drops() const {
#define X(name, text)                                \
  if (const uint64_t count = drops(DAM_DROP_##name)) \
    std::fprintf(stderr, "%10llu %s\n", static_cast<unsigned long long>(count), #name);
  DAM_DROP_REASONS(X)
#undef X
}

}  // namespace dam::bench

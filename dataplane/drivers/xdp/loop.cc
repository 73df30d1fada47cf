// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/loop.h"

namespace dam {
namespace {

// Handshakes have retransmissions to keep, and the connections of who is banned are to end; other
// flows and neighbours can wait.
constexpr int kBusyMs = 4;
constexpr int kQuietMs = 50;
static_assert(kQuietMs * 1'000'000 < Worker::kLongestSleepNs);

}  // namespace

XdpLoop::XdpLoop(XdpDriver& driver, Engine& engine, Clock clock)
    : driver_(driver),
      worker_(engine.worker(0)),
      counters_(engine.config().counters->worker[0]),
      clock_(clock) {}

int XdpLoop::sleep_ms() const {
  const bool busy = worker_.half_open_used() > 0 || worker_.sweeps() || worker_.has_ends();
  return busy ? kBusyMs : kQuietMs;
}

// "Cycles" are nanoseconds here.
void XdpLoop::run(const std::atomic<bool>& stop) {
  now_ns_ = clock_();
  while (!stop.load(std::memory_order_relaxed)) {
    const uint64_t began_ns = now_ns_;
    const bool worked = receive();
    if (now_ns_ - ticked_ns_ >= static_cast<uint64_t>(sleep_ms()) * 1'000'000) tick();
    if (!worked) driver_.wait(sleep_ms());
    now_ns_ = clock_();
    uint64_t& cycles = worked ? counters_.busy_cycles : counters_.idle_cycles;
    dam_store_shared64(&cycles,
                       cycles + (now_ns_ - began_ns));  // the control thread sees that it moves
  }
}

bool XdpLoop::receive() {
  bool worked = false;
  for (uint32_t i = 0; i < driver_.sockets(); ++i) {
    const uint32_t got = driver_.receive(i, frames_);
    if (got == 0) continue;
    worked = true;
    now_ns_ = clock_();  // this thread may not have run since it was last asked for
    ++counters_.bursts;
    observe_burst_size(counters_, got);
    driver_.refill(output_);
    worker_.poll({frames_.data(), got}, output_, now_ns_);
    counters_.zones[0].drops[DAM_DROP_tx_full] += driver_.transmit(output_);
  }
  return worked;
}

void XdpLoop::tick() {
  ticked_ns_ = now_ns_;
  driver_.refill(output_);
  worker_.tick(output_, now_ns_);
  if (worker_.policy_seen() != nullptr) driver_.tables().beat(now_ns_);
  counters_.zones[0].drops[DAM_DROP_tx_full] += driver_.transmit(output_);
}

}  // namespace dam

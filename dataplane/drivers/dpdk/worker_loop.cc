// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/worker_loop.h"

#include <rte_cycles.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

namespace dam {
namespace {

void sleep_us(uint32_t us) {
  const timespec time = {0, static_cast<long>(us) * 1000};
  nanosleep(&time, nullptr);
}

}  // namespace

uint32_t Idler::next_sleep_us() {
  if (rest_ == Rest::busy || ++empty_rounds_ <= kRoundsAwake) return 0;
  const uint32_t sleeps = empty_rounds_ - kRoundsAwake;
  if (sleeps >= 8 * (kLongestUs / kShortestUs)) empty_rounds_ = kRoundsAwake + sleeps - 1;
  return std::min(kLongestUs, kShortestUs * (1 + sleeps / 8));
}

WorkerLoop::WorkerLoop(DpdkDriver& driver, Engine& engine, uint32_t index, Rest rest, Clock clock)
    : driver_(driver),
      worker_(engine.worker(index)),
      counters_(engine.config().counters->worker[index]),
      clock_(clock),
      index_(index),
      idler_(rest) {}

void WorkerLoop::run(const std::atomic<bool>& stop) {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // else a sleep of 20 µs takes 70
  uint64_t last = rte_rdtsc();
  while (!stop.load(std::memory_order_relaxed)) {
    const bool worked = round();
    uint32_t sleep = 0;
    if (worked) {
      idler_.worked();
    } else {
      sleep = idler_.next_sleep_us();
    }
    if (sleep > 0) sleep_us(sleep);
    const uint64_t now = rte_rdtsc();
    uint64_t& cycles = worked ? counters_.busy_cycles : counters_.idle_cycles;
    dam_store_shared64(&cycles, cycles + (now - last));  // the control thread sees that it moves
    last = now;
  }
}

bool WorkerLoop::round() {
  bool worked = false;
  for (uint32_t i = 0; i < driver_.ports(); ++i) worked |= receive();
  if (driver_.steering().workers() > 1) worked |= take_handed();
  worked |= tick();
  if (driver_.host_path() != nullptr) worked |= serve_host();
  return worked;
}

bool WorkerLoop::serve_host() {
  driver_.take_back_from_host(index_);
  return index_ == 0 && driver_.send_for_host(worker_.policy_seen() != nullptr);
}

bool WorkerLoop::receive() {
  const uint32_t got = driver_.receive(index_, frames_);
  if (got == 0) return false;
  ++counters_.bursts;
  observe_burst_size(counters_, got);
  const uint32_t mine = driver_.steering().workers() > 1 ? steer(got) : got;
  if (mine > 0) process(mine);
  return true;
}

// Frames of other workers' flows go to them; gives how many are left, the first ones.
uint32_t WorkerLoop::steer(uint32_t count) {
  uint32_t mine = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t owner = worker_.owner_of(frames_[i]);
    if (owner == index_) {
      frames_[mine++] = frames_[i];
    } else {
      Handed& handed = handed_[owner];
      rte_mbuf* mbuf = mbuf_of(frames_[i]);
      mbuf->port = frames_[i].port;  // ours, not DPDK's: some drivers leave the field empty
      handed.mbuf[handed.count++] = mbuf;
    }
  }
  if (mine < count) hand_over();
  return mine;
}

void WorkerLoop::hand_over() {
  for (uint32_t to = 0; to < driver_.steering().workers(); ++to) {
    Handed& handed = handed_[to];
    if (handed.count == 0) continue;
    const uint32_t taken = driver_.steering().give(index_, to, {handed.mbuf.data(), handed.count});
    counters_.handed_off += taken;
    counters_.zones[0].drops[DAM_DROP_handoff_full] += handed.count - taken;
    rte_pktmbuf_free_bulk(&handed.mbuf[taken], handed.count - taken);
    handed.count = 0;
  }
}

bool WorkerLoop::take_handed() {
  rte_mbuf* mbufs[kBurst];
  const uint32_t got = driver_.steering().take(index_, mbufs);
  for (uint32_t i = 0; i < got; ++i)
    frames_[i] = frame_of(mbufs[i], static_cast<uint8_t>(mbufs[i]->port));
  if (got > 0) process(got);
  return got > 0;
}

// The time is asked for when the frames are here: this thread may not have run meanwhile, and a
// burst of requests that came then would look older than it is.
void WorkerLoop::process(uint32_t count) {
  driver_.refill(output_);
  worker_.poll({frames_.data(), count}, output_, clock_());
  flush();
}

bool WorkerLoop::tick() {
  const uint64_t now_ns = clock_();
  if (now_ns < next_tick_ns_) return false;
  next_tick_ns_ = now_ns + kTickNs;
  driver_.refill(output_);
  worker_.tick(output_, now_ns);
  return flush();
}

// Everything that the engine gave back leaves; true when there was something to send.
bool WorkerLoop::flush() {
  const bool any = output_.urgent.count + output_.normal.count > 0;
  counters_.zones[0].drops[DAM_DROP_tx_full] += driver_.transmit(index_, output_);
  return any;
}

}  // namespace dam

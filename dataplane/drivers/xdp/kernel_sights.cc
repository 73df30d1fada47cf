// SPDX-License-Identifier: BSD-3-Clause
// What the kernel tells of packets: see core/sight.h.
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "dataplane/drivers/xdp/kernel_tables.h"
#include "dataplane/drivers/xdp/sight_record.h"
#include "ebpf/dam.skel.h"

namespace dam {
namespace {

constexpr uint64_t kFirstCpu = 1000;  // the engine's workers have the numbers below

int on_sight(void* hears, void* data, size_t bytes) {
  auto& hearing = *static_cast<Hearing*>(hears);
  if (hearing.sink == nullptr) return 0;
  dam_sight sight;
  std::span<const uint8_t> frame;
  if (!read_sight_record({static_cast<const uint8_t*>(data), bytes}, sight, frame)) return 0;
  (*hearing.sink)(sight, frame);
  return --hearing.left > 0 ? 0 : -1;
}

}  // namespace

void KernelTables::FreeRing::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

// Nobody is there any more who began a capture, and what nobody heard while no dataplane ran is not
// this one's loss.
void KernelTables::begin_sights(const uint64_t hash_key[2]) {
  sights_.reset(ring_buffer__new(bpf_map__fd(bpf_->maps.dam_sights), on_sight, &hears_, nullptr));
  if (sights_ == nullptr) {
    throw std::system_error(errno, std::generic_category(), "The ring of sights");
  }
  set_capture({});
  sights_lost();
  lost_ = 0;
  uint64_t number = kFirstCpu;
  for (dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) {
    if (cpu.sighting.random == 0) dam_sight_begin(&cpu.sighting, hash_key, number++);
  }
}

// Nobody wakes the reader, who comes each 100 ms.
void KernelTables::take_sights(const SightSink& sink) {
  hears_ = {&sink, kMostSightsAtOnce};
  ring_buffer__consume(sights_.get());
  hears_ = {};
  const auto now = std::chrono::steady_clock::now();
  if (now < refusals_due_) return;
  refusals_due_ = now + std::chrono::nanoseconds(DAM_SIGHT_REFILL_NS);
  for (dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) {
    dam_sight_refill(&cpu.sighting);
  }
}

// A CPU's own count is of 32 bits, and lives for as long as the tables do.
uint64_t KernelTables::sights_lost() {
  const auto cpus = counts_.as<dam_kernel_counters>();
  lost_seen_.resize(cpus.size());
  for (size_t i = 0; i < cpus.size(); ++i) {
    const uint32_t now = cpus[i].sighting.lost;
    lost_ += now - lost_seen_[i];
    lost_seen_[i] = now;
  }
  return lost_;
}

// The filter is written while packets read it: what one of them makes of a half is told or not.
void KernelTables::set_capture(const dam_capture& wanted) {
  control().capture.snap_bytes = 0;
  __atomic_thread_fence(__ATOMIC_RELEASE);
  dam_capture quiet = wanted;
  quiet.snap_bytes = 0;
  control().capture = quiet;
  __atomic_store_n(&control().capture.snap_bytes, wanted.snap_bytes, __ATOMIC_RELEASE);
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What becomes of packets, told to whoever watches: a sample always, and each one that a capture
// wants while one is under way. See core/sight.h.
#include <algorithm>
#include <cstring>

#include "dataplane/engine/packet_path.h"

namespace dam {

void Worker::listen_for_captures() {
  const uint32_t generation = engine_.capture_generation();
  if (generation == capture_generation_) return;
  const dam_capture wanted = engine_.capture(generation);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (engine_.capture_generation() != generation) return;  // written meanwhile: the next burst
  capture_generation_ = generation;
  capture_ = wanted;
}

void Worker::fill_up_sights() {
  if (now_ns_ < refusals_due_ns_) return;
  refusals_due_ns_ = now_ns_ + DAM_SIGHT_REFILL_NS;
  dam_sight_refill(&sighting_);
}

// The frame as it came in: answers are written into it.
void Worker::handle_captured(Job& job) {
  const Frame& frame = *job.frame;
  staged_bytes_ = frame.bytes;
  std::memcpy(staged_.data(), frame.data, std::min<size_t>(frame.bytes, staged_.size()));
  handle(job);
  if (job.told) return;
  const uint32_t zone = job.flow_ref == kNone ? 0 : flows_[job.flow_ref >> 1].zone_slot;
  tell(job, DAM_DROP_consumed, zone);
}

void Worker::tell_if_due(Job& job, Drop reason, uint32_t zone) {
  const int proven = is_proven(job, reason) ? 1 : 0;
  if (dam_sight_due(&sighting_, &capture_, reason, proven)) tell(job, reason, zone);
}

void Worker::tell(Job& job, Drop reason, uint32_t zone) {
  if (job.told) return;
  job.told = true;
  dam_sight sight{};
  sight.client = job.packet.src;
  if (job.flow_ref != kNone) {
    sight.client = flows_[job.flow_ref >> 1].client;
    sight.flags = (job.flow_ref & 1) == DAM_S2C ? DAM_SIGHT_S2C : 0;
  }
  if (is_proven(job, reason)) sight.flags |= DAM_SIGHT_PROVEN;
  sight.interface = job.interface < DAM_SIGHT_ANY ? static_cast<uint8_t>(job.interface) : uint8_t {
    DAM_SIGHT_ANY
  };
  sight.frame_bytes = capture_.snap_bytes != 0 ? staged_bytes_ : job.frame->bytes;
  tell(sight, reason, zone);
}

// Whose next hop is not known is dropped yet.
void Worker::tell_passing(const Flow& flow, dam_direction direction, Job& job) {
  const uint64_t mac = engine_.neighbours.mac_word(hop(flow, direction).neighbour);
  if ((mac & Neighbours::kKnown) != 0) tell(job, DAM_DROP_none, flow.zone_slot);
}

// A connection's end that no packet has brought about, or one that was told of already.
void Worker::tell_refused(const Flow& flow, Refusal refused) {
  if (!dam_sight_due(&sighting_, &capture_, refused.reason, 1)) return;
  if (handling_ != nullptr && !handling_->told && is_about(*handling_, flow)) {
    return tell(*handling_, refused.reason, refused.zone_slot);
  }
  dam_sight sight{};
  sight.client = flow.client;
  sight.flags = DAM_SIGHT_PROVEN;
  sight.interface = flow.out_interface[DAM_S2C];
  tell(sight, refused.reason, refused.zone_slot);
}

void Worker::name_refused(const Flow& flow, Drop reason) {
  const Ja4 ja4 = ja4_of(flow);
  if (!ja4.known()) return;
  refused_hellos_.push({flow.client, ja4, static_cast<uint8_t>(reason), flow.zone_slot});
}

bool Worker::is_about(const Job& job, const Flow& flow) const {
  if (job.flow_ref != kNone) return job.flow_ref >> 1 == index_of(flow);
  return job.packet.src_port.raw == flow.client_port.raw &&
         dam_address_equal(&job.packet.src, &flow.client);
}

void Worker::tell_opened(const Flow& flow) {
  dam_sight sight{};
  sight.at_ns = now_ns_;
  sight.client = flow.client;
  sight.weight = 1;
  sight.zone = flow.zone_slot;
  sight.flags = DAM_SIGHT_PROVEN | DAM_SIGHT_OPENED;
  sight.interface = flow.out_interface[DAM_S2C];
  push(sight);
}

void Worker::tell(dam_sight& sight, Drop reason, uint32_t zone) {
  sight.at_ns = now_ns_;
  sight.weight =
      dam_sight_weight(&sighting_, reason, (sight.flags & DAM_SIGHT_PROVEN) != 0 ? 1 : 0);
  sight.reason = static_cast<uint8_t>(reason);
  sight.zone = static_cast<uint8_t>(zone);
  if (sight.frame_bytes != 0 && dam_capture_wants(&capture_, &sight)) {
    sight.flags |= DAM_SIGHT_CAPTURED;
    sight.captured_bytes = static_cast<uint16_t>(
        std::min<size_t>({sight.frame_bytes, capture_.snap_bytes, staged_.size()}));
  } else if (sight.weight == 0) {
    return;
  }
  push(sight);
}

// Where frames have filled the ring, the sample goes on without them.
void Worker::push(dam_sight sight) {
  if (sights_.push(sight, staged_.data())) return;
  sight.captured_bytes = 0;
  sight.flags = static_cast<uint8_t>(sight.flags & ~DAM_SIGHT_CAPTURED);
  const bool sampled = sight.weight != 0 && sights_.push(sight, staged_.data());
  if (sampled && capture_.snap_bytes == 0) return;
  count_lost(sights_lost_);
}

}  // namespace dam

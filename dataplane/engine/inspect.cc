// SPDX-License-Identifier: BSD-3-Clause
// Connections as operators see and end them. Looking costs the worker nothing; ending goes through
// its own tick.
#include <bit>
#include <optional>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

template <class T>
T load(const T& from) {
  T value;
  __atomic_load(&from, &value, __ATOMIC_RELAXED);
  return value;
}

Ja4 load_ja4(const dam_fingerprint& from) {
  return std::bit_cast<Ja4>(dam_fingerprint{{load(from.word[0]), load(from.word[1])}});
}

}  // namespace

std::optional<FlowGlance> Worker::glance(uint32_t index) const {
  const Flow& flow = flows_[index];
  FlowGlance seen;
  seen.id = {index_, index, load(flow.epoch)};
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  seen.state = load(flow.state);  // of that life or a later one: then the epochs differ below
  if (seen.state == DAM_FLOW_free) return std::nullopt;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  for (int i = 0; i < 4; ++i) seen.client.word[i] = load(flow.client.word[i]);
  seen.client_port.raw = load(flow.client_port.raw);
  seen.source_port = load(flow.source_port);
  seen.listener_slot = load(flow.listener_slot);
  seen.server_slot = load(flow.server_slot);
  seen.zone_slot = load(flow.zone_slot);
  seen.flags = load(flow.flags);
  seen.last_seen = load(flow.last_seen);
  if (seen.state >= DAM_FLOW_connect) seen.ja4 = load_ja4(ja4s_[index]);
  seen.requests = rhythm_of(index);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  const bool same = load(flow.epoch) == seen.id.epoch && load(flow.state) != DAM_FLOW_free;
  return same ? std::optional(seen) : std::nullopt;
}

RequestRhythm Worker::rhythm_of(uint32_t index) const {
  constexpr uint64_t kNsOfMillisecond = 1'000'000;
  const auto in_ms = [](uint32_t units) {
    return static_cast<uint32_t>(units * kCoarseNs / kNsOfMillisecond);
  };
  const dam_requests& from = requests_[index];
  RequestRhythm rhythm;
  const uint8_t epoch = load(from.epoch);
  rhythm.followed = (load(from.flags) & DAM_REQUESTS_STAGE) != 0 &&
                    epoch == static_cast<uint8_t>(load(flows_[index].epoch));
  if (!rhythm.followed) return rhythm;
  rhythm.count = load(from.count);
  rhythm.gap_ms = in_ms(load(from.gap_8) / 8u);
  rhythm.gap_deviation_ms = in_ms(load(from.gap_deviation_4) / 4u);
  rhythm.first_bytes = load(from.first_bytes);
  return rhythm;
}

void Worker::note_ja4(const Flow& flow, const Ja4& ja4) {
  const auto from = std::bit_cast<dam_fingerprint>(ja4);
  dam_fingerprint& to = ja4s_[index_of(flow)];
  for (int i = 0; i < 2; ++i) __atomic_store_n(&to.word[i], from.word[i], __ATOMIC_RELAXED);
}

Ja4 Worker::ja4_of(const Flow& flow) const {
  if (flow.handshake != kNone) return handshakes_[flow.handshake].ja4;
  return load_ja4(ja4s_[index_of(flow)]);
}

// The allow list wins here, too.
bool Worker::is_of_banned_kind(const Flow& flow) const {
  if (policy_->ja4_bans.empty()) return false;
  return is_one_of(ja4_of(flow), policy_->ja4_bans) && !policy_->allow.contains(flow.client);
}

// No more than can be reset at both ends: the others wait for the next tick.
void Worker::end_wanted() {
  FlowId id;
  for (uint32_t left = flow_timer_budget(); left > 0 && ends_.pop(id); --left) {
    if (id.index >= flow_capacity()) continue;
    Flow& flow = flows_[id.index];
    const bool same = (flow.epoch & FlowId::kEpochMask) == (id.epoch & FlowId::kEpochMask);
    if (same && flow.state != DAM_FLOW_free) refuse(flow, DAM_DROP_ended, true);
  }
}

}  // namespace dam

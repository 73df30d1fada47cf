// SPDX-License-Identifier: BSD-3-Clause
// The stages of a burst between the parser and the work itself: which flow, which lists, and what
// of memory the work will touch.
#include "dataplane/engine/packet_path.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

namespace {

void prefetch_lines(const void* from, size_t bytes) {
  const auto* at = static_cast<const uint8_t*>(from);
  for (size_t i = 0; i < bytes; i += 64) dam::prefetch(at + i);
}

}  // namespace

// Which flow, by the tag in the index alone: whether it really is the packet's is checked when its
// lines have arrived.
void Worker::locate(std::span<Job> jobs) {
  for (Job& job : jobs) {
    const bool segment = job.refused == DAM_DROP_none && job.packet.kind == DAM_KIND_TCP;
    job.hash = segment ? hash_of(job.packet) : 0;
  }
  for (const Job& job : jobs) index_of_flows_.prefetch(job.hash);
  for (Job& job : jobs) {
    if (job.hash != 0) job.ref = index_of_flows_.first_candidate(job.hash);
  }
  for (const Job& job : jobs) {
    if (job.ref != kNone) prefetch_flow(job.ref >> 1);
  }
  located_at_ = index_of_flows_.changes();
}

// The deny list and the bans, for strangers: of a flow's client they are asked once
// (why_denied_by_now). While most of what comes is refused by them, they are asked before the flow
// index, which then need not be touched.
void Worker::screen(std::span<Job> jobs) {
  uint32_t denied = 0;
  const auto is_stranger = [](const Job& job) {
    return job.ref == kNone && job.refused == DAM_DROP_none && job.packet.kind == DAM_KIND_TCP;
  };
  for (const PrefixSet* list : {&policy_->deny, &policy_->bans}) {
    if (list->empty()) continue;
    for (const Job& job : jobs) {
      if (is_stranger(job)) list->prefetch(job.packet.src);
    }
    for (const Job& job : jobs) {
      if (is_stranger(job)) list->prefetch_rest(job.packet.src);
    }
  }
  if (!policy_->deny.empty() || !policy_->bans.empty()) {
    for (Job& job : jobs) {
      if (!is_stranger(job)) continue;
      job.denied = why_denied(job.packet.src);
      if (job.denied == DAM_DROP_none) continue;
      if (listener_of(job.packet) == Policy::kNoListener) continue;
      job.refused = job.denied;
      job.hash = 0;
      ++denied;
    }
  }
  lists_first_ = denied * 2 > jobs.size();
}

// What the packet will be charged to.
void Worker::look_ahead(Job& job) const {
  if (job.ref != kNone) {
    const Flow& flow = flows_[job.ref >> 1];
    if (flow.source != kNone) engine_.sources.prefetch(flow.source);
    if (policy_->follows_requests && job.packet.payload_bytes != 0) {
      dam::prefetch(&requests_[job.ref >> 1]);
      const bool pays = (job.ref & 1) == DAM_C2S && flow.source != kNone;
      if (pays) engine_.sources.prefetch_requests(flow.source);
    }
    job.handshake = flow.handshake;
    return;
  }
  if (job.hash == 0 || !may_open_flow(job)) return;
  if (listener_of(job.packet) == Policy::kNoListener) return;
  // First of all: what is forged must cost no more than this.
  job.source_known = cookie_holds(job.packet, job.cookie);
  job.cookie_is = job.source_known ? CookieIs::good : CookieIs::bad;
  if (!job.source_known) return;
  job.source = front_key(job.packet.src);
  engine_.sources.prefetch(job.source);
}

void Worker::look_ahead(std::span<Job> jobs) {
  bool opening = false;
  for (Job& job : jobs) {
    look_ahead(job);
    opening |= job.source_known || job.handshake != kNone;
  }
  if (!opening) return;
  for (const Job& job : jobs) {
    if (job.source_known) engine_.sources.prefetch_entry(job.source);
  }
  look_ahead_handshakes(jobs);
}

// A connection that is being opened touches much that nobody has touched for long: a handshake, a
// buffer for its bytes, a frame for the dam's own segment. What is free is taken in this order.
void Worker::look_ahead_handshakes(std::span<Job> jobs) const {
  size_t opened = 0, spares = 0, holds = 0;
  for (Job& job : jobs) {
    if (job.source_known && opened < free_handshakes_.size()) {
      job.handshake = free_handshakes_[free_handshakes_.size() - ++opened];
    }
    if (job.handshake == kNone) continue;
    prefetch_lines(&handshakes_[job.handshake], sizeof(HandshakeNumbers));
    prefetch_lines(job.frame->data + job.packet.payload, job.packet.payload_bytes);
    if (spares < out_->spare.count) {
      prefetch_lines(out_->spare.frame[out_->spare.count - ++spares].data, 128);
    }
  }
  for (const Job& job : jobs) {
    if (job.handshake == kNone || job.packet.payload_bytes == 0) continue;
    const Handshake& handshake = handshakes_[job.handshake];
    const bool fresh = job.source_known || handshake.hold == kNone;
    const uint32_t hold = fresh ? hold_.next(holds++) : handshake.hold;
    if (hold == kNone) continue;
    prefetch_lines(hold_.data(hold) + (fresh ? 0 : handshake.held_bytes), job.packet.payload_bytes);
  }
}

// The allow list wins, always.
dam_drop_reason Worker::why_denied(const dam_address& source) const {
  const bool denied = policy_->deny.contains(source);
  if (!denied && !policy_->bans.contains(source)) return DAM_DROP_none;
  if (policy_->allow.contains(source)) return DAM_DROP_none;
  return denied ? DAM_DROP_denied : DAM_DROP_source_banned;
}

// A denied source's packets go nowhere from the moment on that the policy is in force: each flow is
// held against the lists once, by its client's next packet, in whichever plane. The sweep ends it.
dam_drop_reason Worker::why_denied_by_now(Flow& flow) const {
  const Drop denied = why_denied(flow.client);
  if (denied == DAM_DROP_none) flow.lists_seen = policy_->lists_digest;
  return denied;
}

SourceKey Worker::front_key(const dam_address& source) const {
  const Zone& front = policy_->zones[0];
  return engine_.sources.key(source, 0, front.source_bits_v4, front.source_bits_v6);
}

void Worker::prefetch_flow(uint32_t index) const {
  const auto* flow = reinterpret_cast<const uint8_t*>(&flows_[index]);
  dam::prefetch(flow);
  dam::prefetch(flow + 64);
}

// A pure ACK may bring a cookie back.
bool Worker::may_open_flow(const Job& job) {
  constexpr uint8_t kOthers = DAM_TCP_SYN | DAM_TCP_RST;
  return (job.packet.tcp_flags & (DAM_TCP_ACK | kOthers)) == DAM_TCP_ACK;
}

}  // namespace dam

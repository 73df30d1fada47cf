// SPDX-License-Identifier: BSD-3-Clause
// What time ends: idle flows, handshakes that take too long, and, bit by bit, the connections of
// sources that are denied or banned by now.
#include <algorithm>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

// What a silence has ended, or has come after.
dam_connection_end end_of(const Flow& flow) {
  if ((flow.flags & DAM_FLOW_CLOSING) == 0) return DAM_END_idle;
  if (flow.rst_direction == DAM_C2S) return DAM_END_client_reset;
  if (flow.rst_direction == DAM_S2C) return DAM_END_server_reset;
  return DAM_END_closed;
}

}  // namespace

uint64_t Worker::idle_limit_ns(const Flow& flow) const {
  const Timeouts& timeouts = policy_->timeouts;
  if ((flow.flags & DAM_FLOW_CLOSING) != 0) return timeouts.closing_ns;
  if ((flow.flags & (DAM_FLOW_FIN_CLIENT | DAM_FLOW_FIN_SERVER)) != 0)
    return timeouts.half_closed_ns;
  return timeouts.idle_ns;
}

// As many as the spare frames can tell: a connection that ends is reset at both its ends. One that
// is kept silent instead would hang at its client.
uint32_t Worker::flow_timer_budget() const {
  constexpr uint32_t kMost = 64;
  const uint32_t kept = kept_spares(false);
  return out_->spare.count > kept ? std::min(kMost, (out_->spare.count - kept) / 2) : 0;
}

// The wheel is told once; how long the flow was silent is looked up when it fires.
void Worker::on_flow_timer(uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.state < DAM_FLOW_deliver) return;
  const uint64_t limit_ns = idle_limit_ns(flow);
  const uint64_t silent_ns =
      uint64_t{dam_coarse_since(flow.last_seen, coarse(now_ns_))} * kCoarseNs;
  if (silent_ns < limit_ns) {
    return flow_timers_.schedule(index, now_ns_ + limit_ns - silent_ns);
  }
  if ((flow.flags & DAM_FLOW_CLOSING) == 0) {
    reset_server(flow);
    reset_client(flow);
  }
  release(flow, end_of(flow));
}

void Worker::schedule_handshake(uint32_t index) {
  const Handshake& handshake = handshakes_[index];
  const uint64_t next_ns = std::min(handshake.stage_deadline_ns, handshake.retransmit_ns);
  handshake_timers_.schedule(index, now_ns_ + next_ns - heard_ns_);
}

void Worker::on_handshake_timer(uint32_t index) {
  Handshake& handshake = handshakes_[index];
  Flow& flow = flows_[handshake.flow];
  const bool over = heard_ns_ >= handshake.stage_deadline_ns;
  if (!over && heard_ns_ < handshake.retransmit_ns) return schedule_handshake(index);
  switch (flow.state) {
    case DAM_FLOW_hello:
      return refuse(flow, DAM_DROP_hello_timeout, true);
    case DAM_FLOW_connect:
      if (over) {
        reset_server(flow);
        return server_failed(flow, handshake, DAM_DROP_server_timeout);
      }
      ++counters_->retransmissions;
      return send_syn(flow, handshake);
    case DAM_FLOW_deliver:
      if (over) return refuse(flow, DAM_DROP_server_timeout, true);
      ++counters_->retransmissions;
      handshake.retransmit_after_ns *= 2;
      return resend(flow, handshake);
    default:
      return;
  }
}

// After new lists: connections of sources that they deny end, some flows a tick, and no more than
// can be reset at both ends. A million flows are looked at within a second or so: by a worker that
// forwards too, in ticks of a millisecond, a tenth of its time; where the kernel forwards, in ticks
// of 4 ms. Round and round: lists that change again and again must not keep it at the first flows.
void Worker::sweep_denied() {
  const uint32_t most = engine_.config().shared.with_kernel ? 16384 : 1024;
  const uint32_t looks = std::min(sweep_left_, most);
  for (uint32_t i = 0; i < looks && flow_timer_budget() > 0; ++i, --sweep_left_) {
    Flow& flow = flows_[sweep_at_];
    sweep_at_ = sweep_at_ + 1 == flow_capacity() ? 0 : sweep_at_ + 1;
    if (flow.state == DAM_FLOW_free) continue;
    const bool allowed = policy_->allow.contains(flow.client);
    flow.flags =
        static_cast<uint8_t>(allowed ? flow.flags | DAM_FLOW_ADMIN : flow.flags & ~DAM_FLOW_ADMIN);
    Drop denied = allowed ? DAM_DROP_none : why_denied(flow.client);
    if (denied == DAM_DROP_none && is_service(flow) && is_of_banned_kind(flow)) {
      denied = DAM_DROP_banned_fingerprint;
    }
    if (denied != DAM_DROP_none) refuse(flow, denied, true);
  }
}

}  // namespace dam

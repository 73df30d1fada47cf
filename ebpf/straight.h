/* SPDX-License-Identifier: BSD-3-Clause */
/* The straight way, which nearly all packets go: an untagged IPv4 segment of a standing connection,
 * without control bits or rare options; and a SYN as usual systems send it. One piece of code,
 * whose values stay in registers. All else, and all that is not sure, goes step by step
 * (dam.bpf.c); until then it was counted as received, and nothing else. */
#ifndef DAM_EBPF_STRAIGHT_H
#define DAM_EBPF_STRAIGHT_H

#include "ebpf/find.h"
#include "ebpf/lists.h"
#include "ebpf/splice.h"
#include "ebpf/straight_syn.h"

/* The device and link address that a flow's packets come in by. */
DAM_INLINE int is_from(const struct frame* f, uint32_t interface) {
  const struct dam_view_interface* in = &f->view->interface[interface & (DAM_MAX_INTERFACES - 1)];
  return in->ifindex == f->job->ifindex && in->vlan == DAM_VLAN_NONE && is_sent_to(f, in->mac);
}

/* `direction` is a constant: each way is compiled by itself. */
DAM_INLINE int straight_along(struct frame* f, struct dam_flow* flow, uint32_t ref,
                              enum dam_direction direction) {
  uint32_t in = flow->out_interface[direction == DAM_C2S ? DAM_S2C : DAM_C2S];
  struct dam_tcp_options none;
  struct way way;
  if (!is_flow(f->view, flow, direction, f->packet) || !is_from(f, in)) return NEXT_STEPS;
  if (flow->state != DAM_FLOW_established || (flow->flags & DAM_FLOW_SLOW)) return NEXT_STEPS;
  if (direction == DAM_C2S && flow->lists_seen != f->view->lists_digest) return NEXT_STEPS;
  f->job->interface = in;
  f->job->ref = ref;
  if (!find_way(f, flow, direction, &way)) return XDP_ABORTED;
  int verdict = admit(f, flow, &way, direction);
  if (verdict != NEXT_TRANSLATE) return verdict;
  __builtin_memset(&none, 0, sizeof none);
  return translate(f, flow, &way, 4, direction, &none);
}

DAM_INLINE int straight_segment(struct frame* f) {
  uint32_t options = f->packet->payload - STRAIGHT_HEADERS;
  const uint8_t* first = frame_data(f) + STRAIGHT_HEADERS;
  if (options != 0 && !dam_is_usual_timestamps(first, frame_end(f), options)) return NEXT_STEPS;
  enum dam_drop_reason denied = why_denied_straight(f);
  if (denied != DAM_DROP_none) {
    uint32_t in = find_interface(f->view, f->job->ifindex, DAM_VLAN_NONE);
    if (!is_addressed_here(f, in) || is_told(f, denied)) return NEXT_STEPS;
    return drop_untold(f, denied, 0);
  }
  /* Now: to read the clock is to wait for all loads under way, and those that follow are long. */
  f->job->now_ns = clock_ns(f->control);
  uint32_t ref = straight_candidate(f);
  struct dam_flow* flow = DAM_LOOKUP(dam_flows, ref >> 1);
  if (!flow) return NEXT_STEPS; /* DAM_NONE too */
  return ref & 1 ? straight_along(f, flow, ref, DAM_S2C) : straight_along(f, flow, ref, DAM_C2S);
}

/* A verdict, or NEXT_STEPS. */
DAM_STEP int dam_straight(struct xdp_md* ctx) {
  struct job job;
  struct frame frame, *f = &frame;
  __builtin_memset(&job, 0, sizeof job);
  if (!begin(f, ctx, &job)) return XDP_PASS;
  f->counters->rx_packets++;
  f->counters->rx_bytes += frame_bytes(f);
  if (!parse_straight(frame_data(f), frame_end(f), &job.packet)) return NEXT_STEPS;
  uint32_t control = DAM_TCP_SYN | DAM_TCP_FIN | DAM_TCP_RST | DAM_TCP_ACK | DAM_TCP_URG;
  control &= job.packet.tcp_flags;
  if (control == DAM_TCP_ACK) return straight_segment(f);
  return control == DAM_TCP_SYN ? straight_syn(f) : NEXT_STEPS;
}

#endif

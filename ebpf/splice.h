/* SPDX-License-Identifier: BSD-3-Clause */
/* An established flow's packet: window, buckets, translation, and out of the right interface; what
 * Worker::splice does. Whatever is not that plain climbs to the engine, uncharged. */
#ifndef DAM_EBPF_SPLICE_H
#define DAM_EBPF_SPLICE_H

#include "dataplane/core/splice.h"
#include "dataplane/core/window.h"
#include "ebpf/admit.h"
#include "ebpf/lists.h"
#include "ebpf/options.h"
#include "ebpf/requests.h"
#include "ebpf/transmit.h"

DAM_INLINE struct dam_rewrite rewrite_of(const struct dam_view* view, const struct dam_flow* flow,
                                         uint32_t direction) {
  const struct dam_view_server* server = &view->server[flow->server_slot & (DAM_MAX_SERVERS - 1)];
  const struct dam_view_listener* listener =
      &view->listener[flow->listener_slot & (DAM_MAX_LISTENERS - 1)];
  struct dam_rewrite rewrite;
  if (direction == DAM_C2S) {
    rewrite.src = view->local[flow->local & (DAM_MAX_LOCALS - 1)];
    rewrite.dst = server->address[flow->family == 6];
    rewrite.src_port = dam_hton16(flow->source_port);
    rewrite.dst_port = server->port;
  } else {
    rewrite.src = listener->address;
    rewrite.dst = flow->client;
    rewrite.src_port = listener->port;
    rewrite.dst_port = flow->client_port;
  }
  return rewrite;
}

/* Written only where something is new: lines that stay clean are not fought over. */
DAM_INLINE void note_segment(struct dam_flow* flow, uint32_t direction,
                             const struct dam_packet* packet, uint64_t now_ns) {
  dam_track_segment(&flow->track, direction, packet,
                    dam_seq_add(packet->seq, packet->payload_bytes));
  uint32_t now = dam_coarse(now_ns);
  if (flow->last_seen != now) flow->last_seen = now;
}

/* Others than none, or RFC 7323's. */
DAM_INLINE int has_unusual_options(const struct frame* f) {
  uint32_t at = (f->packet->l4 & DAM_OFFSET_MASK) + DAM_TCP_BYTES;
  uint32_t bytes = f->packet->payload - at;
  const uint8_t* first = frame_data(f) + at;
  DAM_PIN(first);
  return bytes != 0 && !dam_is_usual_timestamps(first, frame_end(f), bytes);
}

/* The same order of refusals as in dam_splice_family, which wants such options read. */
DAM_INLINE enum dam_drop_reason read_unusual_options(const struct frame* f,
                                                     struct dam_tcp_options* options) {
  const uint8_t* ip = frame_data(f) + (f->packet->l3 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  if (ip + DAM_IPV4_BYTES > frame_end(f)) return DAM_DROP_malformed;
  if (dam_is_last_hop(ip, f->packet->family)) return DAM_DROP_ttl_expired;
  return (enum dam_drop_reason)dam_read_options(f->ctx, f->job, options);
}

/* The counters of a flow's zone and its next hop's word. */
struct way {
  struct dam_zone_counters* counters;
  uint64_t mac;
};

DAM_INLINE int find_way(const struct frame* f, const struct dam_flow* flow,
                        enum dam_direction direction, struct way* way) {
  const uint64_t* mac = DAM_LOOKUP(dam_macs, flow->neighbour[direction & 1]);
  way->counters = zone_counters(f, flow->zone_slot);
  way->mac = mac ? *mac : 0;
  return way->counters != 0;
}

DAM_INLINE void tell_of_flow(const struct frame* f, uint32_t reason, uint32_t zone) {
  if (!is_told(f, reason)) return;
  dam_tell_flow(f->ctx, f->job->ref, what_became(reason, zone, f->job->interface), f->job->now_ns);
}

/* As it comes in, before it is translated; what may refuse it then is rare but for its last hop. */
DAM_INLINE void tell_of_passing(const struct frame* f, uint32_t family, uint32_t zone) {
  if (!is_told(f, DAM_DROP_none)) return;
  const uint8_t* ip = frame_data(f) + (f->packet->l3 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  if (ip + DAM_IPV4_BYTES > frame_end(f) || dam_is_last_hop(ip, family)) return;
  dam_tell_flow(f->ctx, f->job->ref, what_became(DAM_DROP_none, zone, f->job->interface),
                f->job->now_ns);
}

DAM_INLINE int drop_on(const struct frame* f, const struct way* way, uint32_t reason,
                       uint32_t zone) {
  tell_of_flow(f, reason, zone);
  count_drop(way->counters, reason);
  return XDP_DROP;
}

/* Translates the packet and sends it; it is charged already. `family` and `direction` are known to
 * the compiler where that makes the code short. */
DAM_INLINE int translate(const struct frame* f, const struct dam_flow* flow, const struct way* way,
                         uint32_t family, enum dam_direction direction,
                         const struct dam_tcp_options* options) {
  const struct dam_packet* packet = f->packet;
  struct dam_rewrite rewrite = rewrite_of(f->view, flow, direction);
  tell_of_passing(f, family, flow->zone_slot);
  enum dam_drop_reason refused = dam_splice_family(frame_data(f), frame_end(f), family, packet,
                                                   options, &flow->splice, direction, &rewrite);
  if (refused != DAM_DROP_none) return drop_on(f, way, refused, flow->zone_slot);
  way->counters->packets[direction & 1]++;
  way->counters->bytes[direction & 1] += packet->end;
  return transmit(f, packet->end, flow->out_interface[direction & 1], way->mac);
}

DAM_STEP int dam_translate(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  struct dam_tcp_options options;
  struct way way;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  const struct dam_flow* flow = DAM_LOOKUP(dam_flows, job->ref >> 1);
  if (!flow) return XDP_ABORTED;
  __builtin_memset(&options, 0, sizeof options);
  enum dam_drop_reason refused = DAM_DROP_none;
  if (has_unusual_options(f)) refused = read_unusual_options(f, &options);
  if (refused != DAM_DROP_none) return drop(f, refused, flow->zone_slot);
  enum dam_direction direction = job->ref & 1 ? DAM_S2C : DAM_C2S;
  if (!find_way(f, flow, direction, &way)) return XDP_ABORTED;
  return f->packet->family == 4 ? translate(f, flow, &way, 4, direction, &options)
                                : translate(f, flow, &way, 6, direction, &options);
}

/* Is the packet in the window, and within its buckets? */
DAM_INLINE int admit(const struct frame* f, struct dam_flow* flow, const struct way* way,
                     enum dam_direction direction) {
  const struct dam_packet* packet = f->packet;
  uint32_t out = flow->out_interface[direction & 1] & (DAM_MAX_INTERFACES - 1);
  if (!dam_in_window(&flow->splice, &flow->track, direction, packet)) {
    return drop_on(f, way, DAM_DROP_out_of_window, flow->zone_slot);
  }
  if (packet->end - packet->l3 > f->view->interface[out].mtu) return to_engine(f);
  if ((way->mac & DAM_MAC_KNOWN) == 0) return to_engine(f);

  struct payer payer;
  if (!open_payer(&payer, f, flow)) return XDP_ABORTED;
  if (may_end(&payer, direction, frame_bytes(f))) return to_engine(f);
  int counts = payer.zone->counts_requests && packet->payload_bytes != 0;
  uint32_t found = counts && direction == DAM_C2S ? dam_find_requests(f->ctx, f->job) : 0;
  if (found == REQUESTS_CLIMB) return to_engine(f);
  enum dam_drop_reason refused = admit_packet(&payer, direction, frame_bytes(f));
  if (counts && refused == DAM_DROP_none) {
    if (direction == DAM_S2C)
      note_answer(f, flow);
    else
      refused = (enum dam_drop_reason)dam_admit_requests(f->ctx, f->job, found);
  }
  if (refused == DAM_DROP_zone_banned) return to_engine(f); /* it tells both ends */
  if (refused != DAM_DROP_none) return drop_on(f, way, refused, flow->zone_slot);
  note_segment(flow, direction, packet, f->job->now_ns);
  return NEXT_TRANSLATE;
}

DAM_STEP int dam_admit(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  struct dam_flow* flow = DAM_LOOKUP(dam_flows, job->ref >> 1);
  struct way way;
  enum dam_direction direction = job->ref & 1 ? DAM_S2C : DAM_C2S;
  if (!flow || !find_way(f, flow, direction, &way)) return XDP_ABORTED;
  return admit(f, flow, &way, direction);
}

/* Each flow is held against the lists once, by its client's next packet: see
 * Worker::why_denied_by_now. */
DAM_INLINE enum dam_drop_reason why_denied_by_now(const struct frame* f, struct dam_flow* flow) {
  enum dam_drop_reason denied = why_denied(f);
  if (denied == DAM_DROP_none) flow->lists_seen = f->view->lists_digest;
  return denied;
}

/* The packet belongs to a flow. */
DAM_INLINE int on_flow(struct frame* f) {
  uint32_t ref = f->job->ref;
  struct dam_flow* flow = DAM_LOOKUP(dam_flows, ref >> 1);
  if (!flow) return XDP_ABORTED;
  if (!(ref & 1) && flow->lists_seen != f->view->lists_digest) {
    enum dam_drop_reason denied = why_denied_by_now(f, flow);
    if (denied != DAM_DROP_none) return drop(f, denied, 0);
  }
  /* The worlds stay apart: nobody speaks for a host of another link. */
  if (f->job->interface != flow->out_interface[~ref & 1]) {
    return drop(f, DAM_DROP_bad_source, flow->zone_slot);
  }
  uint32_t control = DAM_TCP_SYN | DAM_TCP_FIN | DAM_TCP_RST | DAM_TCP_URG;
  control &= f->packet->tcp_flags;
  if (flow->state != DAM_FLOW_established || control || (flow->flags & DAM_FLOW_SLOW)) {
    return to_engine(f);
  }
  return NEXT_ADMIT;
}

#endif

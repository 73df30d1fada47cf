/* SPDX-License-Identifier: BSD-3-Clause */
/* A TCP segment of no known flow: what Worker::stranger does. Only what has proven its source, or
 * comes from a server, climbs to the engine. */
#ifndef DAM_EBPF_STRANGER_H
#define DAM_EBPF_STRANGER_H

#include "ebpf/admit.h"
#include "ebpf/answer.h"
#include "ebpf/lists.h"
#include "ebpf/sources.h"

DAM_INLINE int is_lost(const struct frame* f) {
  struct dam_stray* stray = DAM_LOOKUP(dam_strays, f->job->hash & (DAM_STRAYS - 1));
  return stray && dam_is_lost(stray, f->job->hash, f->job->now_ns);
}

/* What the engine asks of such a segment before it asks its buckets: only what it would take may
 * count as a violation. */
DAM_INLINE enum dam_drop_reason unfit_opening(const struct frame* f) {
  struct dam_tcp_options options;
  uint32_t bad = dam_read_options(f->ctx, f->job, &options);
  if (bad != DAM_DROP_none) return (enum dam_drop_reason)bad;
  return checksum_holds(f) ? DAM_DROP_none : DAM_DROP_bad_checksum;
}

/* Would the engine refuse this connection for its front buckets? Then it need not be woken; what it
 * takes, it charges itself. */
DAM_INLINE enum dam_drop_reason over_front_buckets(const struct frame* f) {
  struct payer payer;
  payer.zone = &f->view->zone[0];
  payer.source = find_source(f, 0);
  payer.totals = DAM_LOOKUP(dam_totals, 0);
  payer.counters = zone_counters(f, 0);
  payer.now_ns = f->job->now_ns;
  payer.admin = dam_is_listed(f->job, DAM_ALLOW);
  if (payer.admin || payer.zone->shadow || !payer.totals || !payer.counters) return DAM_DROP_none;
  const struct dam_gcra_rate* rate = &payer.zone->per_source[DAM_DIM_connections];
  if (payer.source && dam_source_banned(payer.source, f->job->now_ns)) return DAM_DROP_zone_banned;
  uint64_t* tat_ns = payer.source ? &payer.source->tat_ns[DAM_DIM_connections] : 0;
  if (tat_ns && !dam_gcra_would_admit(tat_ns, rate, f->job->now_ns, 1)) {
    dam_gcra_refit(tat_ns, rate, f->job->now_ns);
    (void)exceeded(&payer, 0, DAM_DIM_connections);
    return DAM_DROP_source_connections;
  }
  rate = &payer.zone->total[DAM_DIM_connections];
  tat_ns = &payer.totals->tat_ns[DAM_DIM_connections];
  if (!dam_gcra_would_admit(tat_ns, rate, f->job->now_ns, 1)) {
    dam_gcra_refit(tat_ns, rate, f->job->now_ns);
    return DAM_DROP_zone_connections;
  }
  return DAM_DROP_none;
}

/* While the first ACK climbs to the engine there is no flow yet: what the client sends behind it, a
 * hello's second segment, follows it there. */
DAM_INLINE void note_opening(const struct frame* f) {
  struct dam_stray* opening = DAM_LOOKUP(dam_openings, f->job->hash & (DAM_STRAYS - 1));
  if (!opening) return;
  opening->tag = (uint32_t)(f->job->hash >> 32) | 1;
  opening->since = dam_coarse(f->job->now_ns);
}
DAM_INLINE int is_opening(const struct frame* f) {
  enum { OPENS_FOR = 250000000 >> 20 };
  const struct dam_stray* opening = DAM_LOOKUP(dam_openings, f->job->hash & (DAM_STRAYS - 1));
  return opening && opening->tag == ((uint32_t)(f->job->hash >> 32) | 1) &&
         dam_coarse(f->job->now_ns) - opening->since < OPENS_FOR;
}

DAM_STEP int dam_on_cookie(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  const struct dam_packet* packet = f->packet;
  struct dam_flow_key key = key_of(packet);
  struct dam_cookie_options options;
  uint32_t clock_origin;
  if (!dam_syn_cookie_check(secrets_of(f), &key, dam_seq_add(packet->seq, 0xffffffffu),
                            dam_seq_add(packet->ack, 0xffffffffu), &options, &clock_origin)) {
    if (is_opening(f)) return to_engine(f);
    f->counters->cookies_bad++;
    if (is_lost(f) && checksum_holds(f)) return reset_sender(f, DAM_DROP_bad_cookie);
    return drop(f, DAM_DROP_bad_cookie, 0);
  }
  if (link_towards(f->view, &packet->src) != job->interface) return to_engine(f); /* refuses it */
  enum dam_drop_reason refused = unfit_opening(f);
  if (refused == DAM_DROP_none) refused = over_front_buckets(f);
  if (refused != DAM_DROP_none) return drop(f, refused, 0);
  note_opening(f);
  return to_engine(f);
}

/* Answers to probes, and servers that remember what the dam has forgotten: few, and limited, so
 * that a server gone mad keeps no core busy. */
DAM_INLINE int is_from_server(const struct frame* f) {
  const struct dam_packet* packet = f->packet;
  uint16_t port = dam_ntoh16(packet->dst_port);
  if (port < f->view->first_source_port || port > f->view->last_source_port) return 0;
  uint32_t bucket = dam_address_bucket(&packet->src, packet->src_port);
  for (uint32_t i = 0; i < DAM_PROBES; i++) {
    uint32_t slot = f->view->server_table[(bucket + i) & (DAM_SERVER_BUCKETS - 1)];
    if (slot == 0) return 0;
    const struct dam_view_server* server = &f->view->server[--slot & (DAM_MAX_SERVERS - 1)];
    if (server->port.raw == packet->src_port.raw &&
        (dam_address_equal(&server->address[0], &packet->src) ||
         dam_address_equal(&server->address[1], &packet->src))) {
      return 1;
    }
  }
  return 0;
}

DAM_INLINE int from_server(struct frame* f) {
  const struct dam_gcra_rate ten_thousand_a_second = {
      (UINT64_C(1000000000) << DAM_GCRA_FRACTION) / 10000, 100000000};
  if (!dam_gcra_charge_alone(&f->counters->stray_tat_ns, &ten_thousand_a_second, f->job->now_ns,
                             1)) {
    return drop(f, DAM_DROP_no_flow, 0);
  }
  return to_engine(f);
}

DAM_STEP int dam_stranger(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  const struct dam_packet* packet = f->packet;
  uint32_t slot = find_listener(f->view, packet);
  job->slot = slot;
  const struct dam_view_listener* listener = &f->view->listener[slot & (DAM_MAX_LISTENERS - 1)];
  if (slot == DAM_NO_SLOT || !listener->in_policy) {
    return is_from_server(f) ? from_server(f) : to_host(f);
  }
  enum dam_drop_reason denied = why_denied(f);
  if (denied != DAM_DROP_none) return drop(f, denied, 0);
  if (is_banned_everywhere(f, listener->zone_mask) && !dam_is_listed(f->job, DAM_ALLOW)) {
    return drop(f, DAM_DROP_banned, 0);
  }
  uint32_t flags = packet->tcp_flags & (DAM_TCP_SYN | DAM_TCP_ACK | DAM_TCP_RST);
  if (flags == DAM_TCP_SYN && !(packet->tcp_flags & DAM_TCP_FIN)) return NEXT_SYN;
  if (flags == DAM_TCP_ACK) return NEXT_COOKIE;
  return drop(f, flags & DAM_TCP_RST ? DAM_DROP_no_flow : DAM_DROP_bad_flags, 0);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of a TLS client in a zone that limits them: what Worker::admit_requests does. */
#ifndef DAM_EBPF_REQUESTS_H
#define DAM_EBPF_REQUESTS_H

#include "dataplane/core/requests.h"
#include "ebpf/admit.h"

enum { REQUESTS_CLIMB = 0xffffffffu };

DAM_INLINE struct dam_requests* requests_of(uint32_t index, const struct dam_flow* flow) {
  struct dam_requests* requests = DAM_LOOKUP(dam_requests, index);
  return requests && dam_requests_are_followed(requests, flow->epoch) ? requests : 0;
}

DAM_INLINE struct dam_tls_segment segment_of(const struct frame* f) {
  struct dam_tls_segment segment;
  segment.payload = frame_data(f) + (f->packet->payload & DAM_OPTION_MASK);
  segment.end = frame_end(f);
  segment.seq = f->packet->seq;
  segment.bytes = f->packet->payload_bytes;
  return segment;
}

/* Before the segment is tracked: one that comes again says nothing new. */
DAM_INLINE void note_answer(const struct frame* f, const struct dam_flow* flow) {
  struct dam_requests* requests = requests_of(f->job->ref >> 1, flow);
  if (!requests || dam_seq_before(f->packet->seq, flow->track.next[DAM_S2C])) return;
  struct dam_tls_segment segment = segment_of(f);
  dam_requests_answer(requests, &segment,
                      dam_seq_untranslate(f->packet->ack, flow->splice.seq_delta[DAM_C2S]));
}

/* Units that its bucket can hold, as both of the zone's limits have it. */
DAM_INLINE uint32_t requests_to_charge(const struct dam_view_zone* zone, uint32_t found) {
  uint32_t units = dam_gcra_fitting(&zone->per_source[DAM_DIM_requests], found);
  return dam_gcra_fitting(&zone->total[DAM_DIM_requests], units);
}

/* Others are looked at for plain HTTP's sake. */
DAM_INLINE int limits_requests(const struct dam_view_zone* zone) {
  return zone->per_source[DAM_DIM_requests].interval_q20 ||
         zone->total[DAM_DIM_requests].interval_q20;
}

DAM_INLINE uint64_t* request_bucket_of(const struct dam_flow* flow) {
  return flow->source == DAM_NONE ? 0 : DAM_LOOKUP(dam_request_tats, flow->source);
}

/* Steps of their own, since the verifier would follow each record of a segment in all its turns:
 * bytes << 8 | type, or 0. */
DAM_STEP uint32_t dam_next_record(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return 0;
  struct dam_tls_segment segment = segment_of(f);
  struct dam_tls_record record = dam_tls_next(&f->counters->requests.records, &segment);
  return record.bytes << 8 | record.type;
}
DAM_STEP uint32_t dam_count_record(struct dam_requests* requests, uint32_t packed, uint32_t now) {
  struct dam_tls_record record;
  if (!requests) return 0;
  record.bytes = packed >> 8;
  record.type = (uint8_t)packed;
  return dam_requests_record(requests, record, now);
}
DAM_INLINE uint32_t count_records(const struct frame* f) {
  struct dam_requests* requests = &f->counters->requests;
  uint32_t found = dam_requests_hear(requests, f->packet->ack), now = dam_coarse(f->job->now_ns);
  for (uint32_t i = 0; i < DAM_TLS_RECORDS; i++) {
    uint32_t record = dam_next_record(f->ctx, f->job);
    if (record == 0) break;
    found += dam_count_record(requests, record, now);
  }
  dam_requests_note(requests, found, now);
  return found;
}

/* How many the client's segment brings, and in the CPU's own memory what is then known of the
 * flow; of nothing where it is not followed. Nothing is charged or noted. REQUESTS_CLIMB: the
 * engine must look, at plain HTTP, or as may_end() says. */
DAM_STEP uint32_t dam_find_requests(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return 0;
  f->counters->requests.flags = 0;
  const struct dam_flow* flow = DAM_LOOKUP(dam_flows, job->ref >> 1);
  if (!flow) return 0;
  const struct dam_requests* kept = requests_of(job->ref >> 1, flow);
  if (!kept) return 0;
  if (dam_requests_are_plain(kept)) return REQUESTS_CLIMB;
  f->counters->requests = *kept;
  uint32_t found = count_records(f);
  const struct dam_view_zone* zone = &f->view->zone[flow->zone_slot & (DAM_MAX_ZONES - 1)];
  if (found == 0 || zone->exceeded != DAM_EXCEEDED_RESET || zone->shadow) return found;
  const uint64_t* tat_ns = request_bucket_of(flow);
  uint32_t units = requests_to_charge(zone, found);
  int passes = !tat_ns || dam_gcra_would_admit(tat_ns, &zone->per_source[DAM_DIM_requests],
                                               job->now_ns, units);
  return passes ? found : (uint32_t)REQUESTS_CLIMB;
}

/* Charges them and notes what dam_find_requests has found out; enum dam_drop_reason. */
DAM_STEP uint32_t dam_admit_requests(struct xdp_md* ctx, struct job* job, uint32_t found) {
  struct frame frame, *f = &frame;
  struct payer payer;
  if (!open_frame(f, ctx, job)) return DAM_DROP_none;
  const struct dam_flow* flow = DAM_LOOKUP(dam_flows, job->ref >> 1);
  if (!flow) return DAM_DROP_none;
  struct dam_requests* kept = requests_of(job->ref >> 1, flow);
  if (!kept || !open_payer(&payer, f, flow)) return DAM_DROP_none;
  /* The entry may have become another flow's meanwhile. */
  if (!dam_requests_are_followed(&f->counters->requests, flow->epoch)) return DAM_DROP_none;
  if (found != 0) {
    enum dam_drop_reason refused =
        charge_at(&payer, DAM_DIM_requests, requests_to_charge(payer.zone, found),
                  request_bucket_of(flow), DAM_DROP_source_requests, DAM_DROP_zone_requests);
    if (refused != DAM_DROP_none) return refused;
    if (limits_requests(payer.zone)) payer.counters->requests += found;
  }
  dam_requests_keep(kept, &f->counters->requests);
  return DAM_DROP_none;
}

#endif

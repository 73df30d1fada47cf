/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame under way: what all steps hand to each other, and where frames end up. */
#ifndef DAM_EBPF_FRAME_H
#define DAM_EBPF_FRAME_H

#include "dataplane/core/packet.h"
#include "ebpf/maps.h"
#include "ebpf/sights.h"

/* Tests set these before the program is loaded; in service the verifier drops what depends on them.
 */
const volatile uint8_t dam_under_test = 0;

/* What is known of a frame, handed from step to step. Each step is a function of its own to the
 * verifier, which walks it once, whatever came before. */
struct job {
  struct dam_packet packet;
  uint64_t now_ns;
  uint64_t hash;
  uint32_t ifindex; /* where it came in */
  uint32_t queue;
  uint32_t interface; /* the same as an index of the view's; DAM_NO_SLOT: none of the dam's */
  uint32_t view_index;
  uint32_t cpu;
  uint32_t ref;     /* of its flow, or DAM_NONE */
  uint32_t slot;    /* of its listener */
  uint32_t refused; /* enum dam_drop_reason: by the parser */
};

struct frame {
  struct xdp_md* ctx;
  struct job* job;
  struct dam_packet* packet; /* the job's */
  const struct dam_control* control;
  const struct dam_view* view;
  struct dam_kernel_counters* counters;
};

/* A step ends with one of enum xdp_action, or names the next step. */
enum next_step {
  NEXT_STEPS = 256,
  NEXT_ICMP,
  NEXT_ADMIT,
  NEXT_TRANSLATE,
  NEXT_STRANGER,
  NEXT_SYN,
  NEXT_COOKIE
};

/* 0: cannot be, and the verifier wants to hear it. */
DAM_INLINE int open_frame(struct frame* f, struct xdp_md* ctx, struct job* job) {
  if (!job) return 0;
  f->ctx = ctx;
  f->job = job;
  f->packet = &job->packet;
  f->control = DAM_LOOKUP(dam_control, 0);
  f->view = DAM_LOOKUP(dam_views, job->view_index);
  f->counters = DAM_LOOKUP(dam_counts, job->cpu);
  return f->control && f->view && f->counters;
}

/* When it is, and where a frame came in: tests say so themselves. */
DAM_INLINE uint64_t clock_ns(const struct dam_control* control) {
  return dam_under_test ? control->now_ns : bpf_ktime_get_ns();
}
DAM_INLINE uint32_t came_in(const struct xdp_md* ctx, const struct dam_control* control) {
  uint32_t ifindex = ctx->ingress_ifindex;
  DAM_PIN(ifindex); /* else the compiler chooses between two addresses to load from */
  return dam_under_test ? control->ingress_ifindex : ifindex;
}

/* Pinned: the context's words have 32 bits, and as such a pointer cannot be kept on the stack. */
DAM_INLINE uint8_t* frame_data(const struct frame* f) {
  uint8_t* data = (uint8_t*)(long)f->ctx->data;
  DAM_PIN(data);
  return data;
}
DAM_INLINE uint8_t* frame_end(const struct frame* f) {
  uint8_t* end = (uint8_t*)(long)f->ctx->data_end;
  DAM_PIN(end);
  return end;
}
DAM_INLINE uint32_t frame_bytes(const struct frame* f) {
  return (uint32_t)(frame_end(f) - frame_data(f));
}

/* What is known before the frame is read; `job` is all zero. 0: no policy is in force. */
DAM_INLINE int begin(struct frame* f, struct xdp_md* ctx, struct job* job) {
  const struct dam_control* control = DAM_LOOKUP(dam_control, 0);
  if (!control) return 0;
  job->view_index = control->active;
  job->cpu = bpf_get_smp_processor_id();
  job->ifindex = came_in(ctx, control);
  job->queue = ctx->rx_queue_index;
  job->ref = DAM_NONE;
  return open_frame(f, ctx, job);
}

DAM_INLINE struct dam_zone_counters* zone_counters(const struct frame* f, uint32_t zone) {
  return DAM_LOOKUP(dam_zone_counts, f->job->cpu * DAM_MAX_ZONES + (zone & (DAM_MAX_ZONES - 1)));
}

DAM_INLINE int is_told(const struct frame* f, uint32_t reason) {
  int proven = dam_is_proven(f->job->ref != DAM_NONE, reason);
  return dam_sight_due(&f->counters->sighting, &f->control->capture, reason, proven);
}

/* A packet of no flow, or of the one that its job names. */
DAM_STEP int dam_tell_of(struct xdp_md* ctx, struct job* job, uint32_t what) {
  struct dam_sight sight;
  if (!job) return 0;
  __builtin_memset(&sight, 0, sizeof sight);
  sight.client = job->packet.src;
  if (dam_is_proven(job->ref != DAM_NONE, what & 255)) sight.flags = DAM_SIGHT_PROVEN;
  if (job->ref != DAM_NONE) be_about_flow(&sight, job->ref);
  tell(ctx, &sight, what, job->now_ns);
  return 0;
}

/* Pinned in 64 bits: what Linux 6.1's verifier learns of a 32-bit copy it does not carry over. */
DAM_INLINE void count_drop(struct dam_zone_counters* counters, uint32_t reason) {
  uint64_t index = reason;
  DAM_PIN(index);
  if (index < DAM_DROP_COUNT) counters->drops[index]++;
}

/* Where frames end up: each is one of these six. */
DAM_INLINE int drop_untold(const struct frame* f, enum dam_drop_reason reason, uint32_t zone) {
  struct dam_zone_counters* counters = zone_counters(f, zone);
  if (counters) count_drop(counters, reason);
  return XDP_DROP;
}

DAM_INLINE int drop(const struct frame* f, enum dam_drop_reason reason, uint32_t zone) {
  if (is_told(f, reason)) {
    dam_tell_of(f->ctx, f->job, what_became(reason, zone, f->job->interface));
  }
  return drop_untold(f, reason, zone);
}

DAM_INLINE int to_host(const struct frame* f) {
  f->counters->host_packets++;
  return XDP_PASS;
}

/* Without a dataplane nobody can take it: the sender will try again. */
DAM_INLINE int to_engine(const struct frame* f) {
  uint32_t device = f->view->interface[f->job->interface & (DAM_MAX_INTERFACES - 1)].device;
  f->counters->climbed++;
  return (int)bpf_redirect_map(&dam_sockets, device * DAM_MAX_QUEUES + f->job->queue, XDP_DROP);
}

DAM_INLINE int sent(const struct frame* f, uint32_t ifindex) {
  f->counters->tx_packets++;
  f->counters->tx_bytes += frame_bytes(f);
  if (dam_under_test) f->counters->out_ifindex = ifindex;
  return ifindex == f->job->ifindex ? XDP_TX : (int)bpf_redirect(ifindex, 0);
}

#endif

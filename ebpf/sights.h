/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of packets, told to whoever watches (core/sight.h); what the engine's sights.cc
 * does. What climbs is told of by the engine. The straight way keeps its values in registers, which
 * a job whose address is taken could not be: of strangers only the steps tell. */
#ifndef DAM_EBPF_SIGHTS_H
#define DAM_EBPF_SIGHTS_H

#include "dataplane/core/sight.h"
#include "ebpf/maps.h"

/* A sight and the frame, as it lies in the ring: a record's size is a constant to the verifier. */
struct captured {
  struct dam_sight sight;
  uint8_t frame[];
};
enum { SHORT_FRAME_BYTES = 256 };

/* Reason, zone and interface in one word: a step has five arguments. */
DAM_INLINE uint32_t what_became(uint32_t reason, uint32_t zone, uint32_t interface) {
  return (reason & 255) | (zone & 255) << 8 | (interface & 255) << 16;
}

/* The frame lies in the ring as it came in. */
DAM_INLINE int capture_frame(struct xdp_md* ctx, const struct dam_sight* sight, uint32_t snap_bytes,
                             uint32_t room) {
  struct captured* record = bpf_ringbuf_reserve(&dam_sights, sizeof *record + room, 0);
  if (!record) return 0;
  uint32_t last = sight->frame_bytes; /* no frame is empty */
  if (last > snap_bytes) last = snap_bytes;
  if (last > room) last = room;
  /* Linux 6.1's verifier learns nothing of `!= 0`, and asks for a length that is not. */
  last = (last - 1) & (room - 1);
  DAM_PIN(last);
  record->sight = *sight;
  if (bpf_xdp_load_bytes(ctx, 0, record->frame, last + 1)) {
    bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
    return 1;
  }
  record->sight.flags |= DAM_SIGHT_CAPTURED;
  record->sight.captured_bytes = (uint16_t)(last + 1);
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 1;
}

/* `sight` has its client and flags. Inlined, since each call more takes of the 512 octets of stack.
 */
DAM_INLINE void tell(struct xdp_md* ctx, struct dam_sight* sight, uint32_t what, uint64_t now_ns) {
  const struct dam_control* control = DAM_LOOKUP(dam_control, 0);
  struct dam_kernel_counters* counters = DAM_LOOKUP(dam_counts, bpf_get_smp_processor_id());
  if (!control || !counters) return;
  sight->at_ns = now_ns;
  sight->reason = what & 255;
  sight->zone = what >> 8 & 255;
  sight->interface = what >> 16 & 255;
  sight->frame_bytes = (uint16_t)(ctx->data_end - ctx->data);
  sight->weight =
      dam_sight_weight(&counters->sighting, sight->reason, sight->flags & DAM_SIGHT_PROVEN);
  int told = 1;
  if (dam_capture_wants(&control->capture, sight)) {
    uint32_t snap_bytes = control->capture.snap_bytes;
    told = snap_bytes <= SHORT_FRAME_BYTES
               ? capture_frame(ctx, sight, snap_bytes, SHORT_FRAME_BYTES)
               : capture_frame(ctx, sight, snap_bytes, DAM_SIGHT_FRAME_BYTES);
    /* Where frames have filled the ring, the sample goes on without them. */
    if (!told && sight->weight != 0) {
      (void)bpf_ringbuf_output(&dam_sights, sight, sizeof *sight, BPF_RB_NO_WAKEUP);
    }
  } else if (sight->weight != 0) {
    told = bpf_ringbuf_output(&dam_sights, sight, sizeof *sight, BPF_RB_NO_WAKEUP) == 0;
  }
  if (!told) counters->sighting.lost++;
}

DAM_INLINE void be_about_flow(struct dam_sight* sight, uint32_t ref) {
  const struct dam_flow* flow = DAM_LOOKUP(dam_flows, ref >> 1);
  if (!flow) return;
  sight->client = flow->client;
  if (ref & 1) sight->flags |= DAM_SIGHT_S2C;
}

/* Of a flow's packet. */
DAM_STEP int dam_tell_flow(struct xdp_md* ctx, uint32_t ref, uint32_t what, uint64_t now_ns) {
  struct dam_sight sight;
  __builtin_memset(&sight, 0, sizeof sight);
  be_about_flow(&sight, ref);
  if (dam_is_proven(1, what & 255)) sight.flags |= DAM_SIGHT_PROVEN;
  tell(ctx, &sight, what, now_ns);
  return 0;
}

#endif

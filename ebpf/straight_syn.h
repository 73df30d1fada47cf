/* SPDX-License-Identifier: BSD-3-Clause */
/* A usual SYN of no flow, from the link that leads to its source, answered with a cookie. */
#ifndef DAM_EBPF_STRAIGHT_SYN_H
#define DAM_EBPF_STRAIGHT_SYN_H

#include "ebpf/answer.h"
#include "ebpf/straight_find.h"

/* The options of a SYN as Linux, Windows and Apple's systems lay them out, by a few words compared:
 * 1, and what dam_parse_tcp_options says of them. `first` is behind the fixed header. */
DAM_INLINE int take_usual_syn(const uint8_t* first, const uint8_t* end, uint32_t bytes,
                              struct dam_tcp_options* options) {
  uint32_t stamps = 0; /* where the timestamps option is, from `first` on; 0: there is none */
  if ((bytes != 12 && bytes != 20 && bytes != 24) || first + 12 > end) return 0;
  uint32_t mss = dam_load_be32(first), scale = dam_load_be32(first + 4);
  if (bytes == 20) { /* MSS, SACK, timestamps, NOP, scale */
    if (first + 20 > end || scale != 0x0402080a) return 0;
    scale = dam_load_be32(first + 16);
    stamps = 6;
  } else if (bytes == 12) { /* MSS, NOP, scale, NOP, NOP, SACK */
    if (dam_load_be32(first + 8) != 0x01010402) return 0;
  } else { /* MSS, NOP, scale, NOP, NOP, timestamps, SACK, end */
    if (first + 24 > end || dam_load_be32(first + 8) != 0x0101080a) return 0;
    if (dam_load_be32(first + 20) >> 8 != 0x040200) return 0;
    stamps = 10;
  }
  if (mss >> 16 != (DAM_OPTION_MSS << 8 | 4) || scale >> 8 != 0x010303) return 0;
  options->mss = (uint16_t)mss;
  options->wscale = scale & 255;
  if (options->wscale > DAM_WSCALE_MAX) options->wscale = DAM_WSCALE_MAX;
  options->sack_permitted = 1;
  if (stamps) dam_take_timestamps(first + stamps, STRAIGHT_HEADERS + stamps, options);
  return 1;
}

/* The checksum of a SYN without payload; its options are as take_usual_syn takes them. */
DAM_INLINE int syn_checksum_holds(const struct frame* f, uint32_t bytes) {
  const struct dam_packet* packet = f->packet;
  const uint8_t *tcp = frame_data(f) + STRAIGHT_L4, *end = frame_end(f);
  uint64_t sum = (uint64_t)packet->src.word[3] + packet->dst.word[3];
  sum += dam_hton16((uint16_t)bytes).raw + (uint32_t)dam_hton16(DAM_PROTOCOL_TCP).raw;
  if (tcp + 32 > end) return 0;
#pragma unroll
  for (int at = 0; at < 32; at += 4) sum += dam_load32(tcp + at);
  if (bytes > 32) {
    if (tcp + 40 > end) return 0;
    sum += (uint64_t)dam_load32(tcp + 32) + dam_load32(tcp + 36);
  }
  if (bytes > 40) {
    if (tcp + 44 > end) return 0;
    sum += dam_load32(tcp + 40);
  }
  return dam_checksum_reduce(sum) == 0xffff;
}

/* The untagged interface of a device, if an IPv4 address (as it lies in packets) may send by it; or
 * DAM_NO_SLOT. */
DAM_STEP uint32_t dam_interface_of_source(uint32_t view_index, uint32_t ifindex, uint32_t word) {
  const struct dam_view* view = DAM_LOOKUP(dam_views, view_index);
  if (!view) return DAM_NO_SLOT;
  uint32_t interface = find_interface(view, ifindex, DAM_VLAN_NONE);
  dam_address source = dam_address_v4(word);
  return may_be_source(view, &source, interface) ? interface : (uint32_t)DAM_NO_SLOT;
}

DAM_INLINE int straight_syn(struct frame* f) {
  const struct dam_packet* packet = f->packet;
  uint32_t bytes = packet->end - STRAIGHT_L4;
  const struct dam_view_listener* listener = straight_listener(f);
  if (!listener || listener->may_ban || packet->payload_bytes != 0) return NEXT_STEPS;
  if (f->control->capture.snap_bytes != 0) return NEXT_STEPS;
  f->job->interface =
      dam_interface_of_source(f->job->view_index, f->job->ifindex, packet->src.word[3]);
  if (!is_addressed_here(f, f->job->interface)) return NEXT_STEPS;
  if (is_listed_straight(f, DAM_DENY) || is_listed_straight(f, DAM_BANS)) return NEXT_STEPS;
  if (straight_candidate(f) != DAM_NONE) return NEXT_STEPS;

  struct dam_tcp_options offered;
  __builtin_memset(&offered, 0, sizeof offered);
  offered.wscale = DAM_WSCALE_NONE;
  if (!take_usual_syn(frame_data(f) + STRAIGHT_HEADERS, frame_end(f), bytes - DAM_TCP_BYTES,
                      &offered)) {
    return NEXT_STEPS;
  }
  if (!syn_checksum_holds(f, bytes)) {
    return is_told(f, DAM_DROP_bad_checksum) ? NEXT_STEPS
                                             : drop_untold(f, DAM_DROP_bad_checksum, 0);
  }
  return answer_syn(f, listener, &offered);
}

#endif

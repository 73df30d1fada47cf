/* SPDX-License-Identifier: BSD-3-Clause */
/* Which segments can belong to a spliced connection (RFC 9293 3.10.7.4, RFC 5961 3 and 5), as far
 * as one in the middle can tell: who merely knows addresses and ports must neither spend a client's
 * tokens nor move what the dam believes of the connection. */
#ifndef DAM_CORE_WINDOW_H
#define DAM_CORE_WINDOW_H

#include "dataplane/core/packet_types.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/types.h"

/* Both directions; numbers as their sender wrote them. */
struct dam_track {
  dam_seq next[2];  /* [dir]: the end of the furthest segment that went in direction dir */
  dam_seq acked[2]; /* [dir]: the furthest ACK that packets going dir carried */
};

/* The largest window that whoever sends in direction `of` can have offered. */
DAM_INLINE int32_t dam_window_max(const struct dam_splice* splice, enum dam_direction of) {
  uint32_t shift = splice->window_shift_in[of], most = DAM_WSCALE_MAX;
  return (int32_t)(65535u << (shift < most ? shift : most));
}

/* SEQ lies within one window of what the target has acknowledged; the ACK acknowledges nothing that
 * the target has not sent, and nothing older than two windows (ACKs are overtaken). Without an ACK
 * only a RST can be meant. */
DAM_INLINE int dam_in_window(const struct dam_splice* splice, const struct dam_track* track,
                             enum dam_direction direction, const struct dam_packet* packet) {
  enum dam_direction back = direction == DAM_C2S ? DAM_S2C : DAM_C2S;
  int32_t target_window = dam_window_max(splice, back);
  int32_t own_window = dam_window_max(splice, direction);
  dam_seq acknowledged = dam_seq_untranslate(track->acked[back], splice->seq_delta[direction]);
  int32_t ahead = dam_seq_distance(acknowledged, packet->seq);
  if (ahead > target_window || ahead < -target_window) return 0;
  if (!(packet->tcp_flags & DAM_TCP_ACK)) return (packet->tcp_flags & DAM_TCP_RST) != 0;
  dam_seq sent = dam_seq_translate(track->next[back], splice->seq_delta[back]);
  int32_t behind = dam_seq_distance(packet->ack, sent);
  return behind >= 0 && behind <= 2 * own_window;
}

/* A segment that was in the window went on its way; `end` is the number behind its last octet (and
 * FIN). Retransmissions and overtaken ACKs move nothing back. */
DAM_INLINE void dam_track_segment(struct dam_track* track, enum dam_direction direction,
                                  const struct dam_packet* packet, dam_seq end) {
  if (dam_seq_before(track->next[direction], end)) track->next[direction] = end;
  if (!(packet->tcp_flags & DAM_TCP_ACK)) return;
  if (dam_seq_before(track->acked[direction], packet->ack)) track->acked[direction] = packet->ack;
}

#endif

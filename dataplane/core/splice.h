/* SPDX-License-Identifier: BSD-3-Clause */
/* PLACEHOLDER for the contract; see dam_splice_translate below. */
#ifndef DAM_CORE_SPLICE_H
#define DAM_CORE_SPLICE_H

#include "dataplane/core/packet.h"
#include "dataplane/core/types.h"

enum dam_direction { DAM_C2S = 0, DAM_S2C = 1 };

/* What splicing needs to know of a flow, both directions. */
struct dam_splice {
  dam_seq_delta seq_delta[2];  /* [dir]: added to SEQ of packets going dir; subtracted from ACK and SACK
                                  blocks of packets going the other way */
  uint32_t ts_delta[2];        /* [dir]: added to TSval going dir; subtracted from TSecr the other way */
  dam_seq ack_floor;           /* client's numbers: no ACK towards the client goes below it */
  uint8_t window_shift_in[2];  /* [dir]: scale of the window field as sent */
  uint8_t window_shift_out[2]; /* [dir]: scale that the receiver will apply */
  uint8_t flags;               /* enum dam_splice_flags */
  uint8_t reserved[3];
};
enum dam_splice_flags {
  DAM_SPLICE_TIMESTAMPS = 1, /* negotiated on both sides: translate the option */
  DAM_SPLICE_CLEAR_ECN = 2   /* the server declined ECN: client packets go out as Not-ECT */
};
DAM_STATIC_ASSERT(sizeof(struct dam_splice) == 28, "the state of a splice is 28 bytes");

/* The addresses and ports that a packet leaves with. */
struct dam_rewrite {
  dam_address src;
  dam_address dst;
  dam_be16 src_port;
  dam_be16 dst_port;
};

#endif

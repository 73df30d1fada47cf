/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of one packet, told to whoever watches the dam: `top`, the recent drops of an
 * address, a capture. Both planes tell of a sample always, and of each packet that a capture wants
 * while one is under way; the control thread listens. Watchers that do not keep up miss some,
 * packets never wait for them. */
#ifndef DAM_CORE_SIGHT_H
#define DAM_CORE_SIGHT_H

#include "dataplane/core/drop_reason.h"
#include "dataplane/core/siphash.h"
#include "dataplane/core/types.h"

enum {
  DAM_SIGHT_EVERY = 64,     /* of passing packets one in so many is told, at random */
  DAM_SIGHT_REFUSALS = 128, /* of those refused so many each 100 ms, and then as above */
  DAM_SIGHT_REFILL_NS = 100000000,
  DAM_SIGHT_FRAME_BYTES = 2048, /* most of a frame that a capture keeps */
  DAM_SIGHT_ANY = 0xff
};

enum dam_sight_flags {
  DAM_SIGHT_S2C = 1,      /* it came from a server */
  DAM_SIGHT_PROVEN = 2,   /* `client` is no forgery: the packet is of a flow, or brought a cookie */
  DAM_SIGHT_OPENED = 4,   /* a connection found its route; no packet */
  DAM_SIGHT_CAPTURED = 8, /* the frame as it came in follows */
};

struct dam_sight {
  uint64_t at_ns;     /* monotonic */
  dam_address client; /* of its flow; without one, the packet's source */
  uint32_t weight;    /* so many packets (or connections) it stands for; 0: for the capture alone */
  uint16_t frame_bytes;
  uint16_t captured_bytes; /* of the frame; they follow */
  uint8_t reason;          /* enum dam_drop_reason; none: it passed */
  uint8_t zone;            /* slot */
  uint8_t flags;           /* enum dam_sight_flags */
  uint8_t interface;       /* where it came in; DAM_SIGHT_ANY: unknown */
  uint32_t reserved;
};
DAM_STATIC_ASSERT(sizeof(struct dam_sight) == 40, "no holes");

/* What a capture wants to see. */
struct dam_capture {
  uint32_t snap_bytes; /* of each frame at most; 0: no capture is under way */
  uint8_t zone;        /* slot, or DAM_SIGHT_ANY */
  uint8_t reason;      /* enum dam_drop_reason, or DAM_SIGHT_ANY */
  uint8_t passed;      /* 1: wants what passed (and what the dam took in itself) */
  uint8_t dropped;     /* 1: wants what was refused */
  dam_address client;  /* all zero, with its mask: anybody */
  dam_address mask;
};
DAM_STATIC_ASSERT(sizeof(struct dam_capture) == 40, "no holes");

/* A packet that the dam took in went its way as much as one that it passed on. */
DAM_INLINE int dam_is_refusal(uint32_t reason) {
  return reason != DAM_DROP_none && reason != DAM_DROP_consumed;
}

DAM_INLINE int dam_capture_wants(const struct dam_capture* capture, const struct dam_sight* sight) {
  if (capture->snap_bytes == 0 || (sight->flags & DAM_SIGHT_OPENED) != 0) return 0;
  if (!(dam_is_refusal(sight->reason) ? capture->dropped : capture->passed)) return 0;
  if (capture->zone != DAM_SIGHT_ANY && capture->zone != sight->zone) return 0;
  if (capture->reason != DAM_SIGHT_ANY && capture->reason != sight->reason) return 0;
  for (int i = 0; i < 4; i++) {
    if ((sight->client.word[i] & capture->mask.word[i]) != capture->client.word[i]) return 0;
  }
  return 1;
}

/* Of one worker or CPU. */
struct dam_sighting {
  uint32_t until_next;       /* passing packets until one is told; 1: the next */
  uint32_t random;           /* xorshift32; not 0 */
  uint32_t refusals_left[2]; /* [proven]; filled up each 100 ms */
  uint32_t lost;             /* that the watchers did not take */
  uint32_t reserved;
};

/* G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (14), 2003. */
DAM_INLINE uint32_t dam_sight_random(struct dam_sighting* state) {
  uint32_t x = state->random ? state->random : 1;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return state->random = x;
}

/* A gap that nobody can guess, DAM_SIGHT_EVERY in the mean: what comes at a steady beat is not
 * favoured. */
DAM_INLINE uint32_t dam_sight_gap(struct dam_sighting* state) {
  return 1 + dam_sight_random(state) % (2 * DAM_SIGHT_EVERY - 1);
}

/* Is this packet to be told of? Counts it where it is not. */
DAM_INLINE int dam_sight_due(struct dam_sighting* state, const struct dam_capture* capture,
                             uint32_t reason, int proven) {
  if (capture->snap_bytes != 0 || state->until_next <= 1) return 1;
  if (dam_is_refusal(reason) && state->refusals_left[proven != 0] != 0) return 1;
  state->until_next--;
  return 0;
}

/* Of one that is due: how many packets it stands for; 0: it is for the capture alone. The first few
 * refusals each 100 ms are all told, so that a lone macro's are seen, those of proven sources
 * apart, so that no forged ones hide it; a flood is sampled like everything else. */
DAM_INLINE uint32_t dam_sight_weight(struct dam_sighting* state, uint32_t reason, int proven) {
  if (dam_is_refusal(reason) && state->refusals_left[proven != 0] != 0) {
    state->refusals_left[proven != 0]--;
    return 1;
  }
  if (state->until_next > 1) {
    state->until_next--;
    return 0;
  }
  state->until_next = dam_sight_gap(state);
  return DAM_SIGHT_EVERY;
}

/* Reasons that only packets of a proven source meet: their flow's, or a good cookie's. */
DAM_INLINE int dam_is_of_proven(uint32_t reason) {
  return reason == DAM_DROP_zone_banned ||
         (reason >= DAM_DROP_source_packets && reason <= DAM_DROP_zone_concurrent);
}

/* Whose address and ports a packet has, one can learn and write: of a flow's packet (or one with a
 * good cookie) the source is proven only once its numbers and its link fit. */
DAM_INLINE int dam_is_proven(int of_flow, uint32_t reason) {
  if (dam_is_of_proven(reason)) return 1;
  return of_flow && reason != DAM_DROP_bad_source && reason != DAM_DROP_out_of_window &&
         reason != DAM_DROP_bad_checksum && reason != DAM_DROP_bad_flags &&
         reason != DAM_DROP_malformed && reason != DAM_DROP_held_duplicate;
}

/* So that nobody knows the gaps, nor whether the first packet is told. `number` tells those apart
 * that one secret serves. */
DAM_INLINE void dam_sight_begin(struct dam_sighting* state, const uint64_t secret[2],
                                uint64_t number) {
  const uint64_t words[2] = {0x73696768, number}; /* "sigh": of nothing else */
  state->random = (uint32_t)dam_siphash24(secret, words, 2) | 1;
  state->until_next = dam_sight_gap(state);
}

/* Each DAM_SIGHT_REFILL_NS. */
DAM_INLINE void dam_sight_refill(struct dam_sighting* state) {
  state->refusals_left[0] = state->refusals_left[1] = DAM_SIGHT_REFUSALS;
}

#endif

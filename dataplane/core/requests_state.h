/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a TLS client's requests: beside each flow, see core/requests.h. */
#ifndef DAM_CORE_REQUESTS_STATE_H
#define DAM_CORE_REQUESTS_STATE_H

#include "dataplane/core/tls_records.h"
#include "dataplane/core/types.h"

/* The two lowest bits of the flags; 0: not followed. */
enum dam_requests_stage {
  DAM_REQUESTS_HANDSHAKE = 1,
  DAM_REQUESTS_FIRST = 2, /* the next record is the first with application data */
  DAM_REQUESTS_GOING = 3
};
enum dam_requests_flags {
  DAM_REQUESTS_STAGE = 3,
  DAM_REQUESTS_H2 = 4,       /* the client offers it */
  DAM_REQUESTS_TLS12 = 8,    /* or older */
  DAM_REQUESTS_READS = 16,   /* HTTP/2: it has got much since its last record */
  DAM_REQUESTS_CHANGED = 16, /* the same bit, amid the handshake: its ChangeCipherSpec was seen */
  /* No TLS at all: plain HTTP/1.x, which engine/http_requests.h reads, for both planes. */
  DAM_REQUESTS_PLAIN = DAM_REQUESTS_HANDSHAKE | DAM_REQUESTS_TLS12,
  DAM_REQUESTS_HEADS = 32, /* the run of equal sizes is one of heads */
  DAM_REQUESTS_SPARE = 192 /* two bits: enum dam_requests_spare */
};

/* HTTP/2: the first two answers of a burst let nothing else count: they may be one's head and body.
 */
enum dam_requests_spare {
  DAM_REQUESTS_SPARE_NONE = 0, /* one more than those two has let others count */
  DAM_REQUESTS_SPARE_LAST = 1,
  DAM_REQUESTS_SPARE_ALL = 3
};

/* Of one flow, beside it. Each octet has one writer, for the two directions may run on two CPUs:
 * the server's segments write `records.answers`, the client's all else. */
struct dam_requests {
  struct dam_tls_cursor records;
  uint32_t last; /* when the last request came, coarse */
  uint32_t count;
  uint16_t seen;            /* when the last record came that may be of a request, coarse */
  uint16_t first_bytes;     /* of the first request; 0: none yet */
  uint16_t bytes;           /* of the last record that may be of a request */
  uint16_t gap_8;           /* smoothed, in eighths of coarse units, as RFC 6298 smooths */
  uint16_t gap_deviation_4; /* its mean deviation, in quarters */
  uint8_t flags;            /* enum dam_requests_flags */
  uint8_t heads;            /* without answer, whose bodies may still come */
  uint8_t run;              /* records of about one size, up to the last; HTTP/1.1: too short */
  uint8_t epoch;            /* the lowest octet of its flow's; another: this is an earlier flow's */
  uint8_t waiting;          /* heads that count when the server has answered */
  uint8_t heard;            /* the answers so far, when the client last spoke */
};
DAM_STATIC_ASSERT(sizeof(struct dam_requests) == 32, "half a cache line");

enum {
  DAM_REQUESTS_ANSWER_BYTES =
      80, /* of a record: more than the control frames that a server begins with */
  DAM_REQUESTS_LONG_ANSWER_BYTES = 4096, /* of a record: it may be the next piece of an answer */
  DAM_REQUESTS_BLOCK_BYTES = 4096,
  DAM_REQUESTS_OVERTAKEN_BLOCKS = 240, /* modulo 256: an acknowledgement that was overtaken */
  DAM_REQUESTS_DOWNLOAD_BLOCKS = 8, /* that come between two records of a client that only reads */
  DAM_REQUESTS_UPGRADING = 14,      /* of plain HTTP: engine/http_requests.h */
  DAM_REQUESTS_VARY = 12,           /* heads of a run, which differ in their paths */
  DAM_REQUESTS_QUIET = 2,           /* coarse */
  DAM_REQUESTS_PAUSE = 10,          /* coarse: longer than a burst rests in between */
  DAM_REQUESTS_MOST_HEADS = 128,    /* that wait for an answer; servers allow no more */
  DAM_REQUESTS_UPLOAD = 255,        /* heads: whatever comes is a body */
  DAM_REQUESTS_BODY_BYTES = 1200,   /* more than a head but the first has */
  DAM_REQUESTS_HEAD_BYTES = 512,    /* more than those have that come in runs */
  DAM_REQUESTS_PREFACE_BYTES = 96,  /* more than preface, SETTINGS and WINDOW_UPDATE take */
  DAM_REQUESTS_TICKETS = 2,         /* of a session, behind the handshake: they look like answers */
  DAM_REQUESTS_ONE_SPARE = 64       /* in DAM_REQUESTS_SPARE */
};

/* The connection's ClientHello is whole, and ends before `next`. */
DAM_INLINE void dam_requests_begin(struct dam_requests* r, dam_seq next, int offers_h2,
                                   uint32_t epoch) {
  __builtin_memset(r, 0, sizeof *r);
  r->records.next = next;
  r->flags = (uint8_t)(DAM_REQUESTS_HANDSHAKE | (offers_h2 ? DAM_REQUESTS_H2 : 0));
  r->epoch = (uint8_t)epoch;
}

DAM_INLINE void dam_requests_clear(struct dam_requests* r, uint32_t flags) {
  r->flags &= (uint8_t)~flags;
}

DAM_INLINE void dam_requests_enter(struct dam_requests* r, enum dam_requests_stage stage) {
  r->flags = (uint8_t)((r->flags & ~DAM_REQUESTS_STAGE) | stage);
}

DAM_INLINE int dam_requests_are_followed(const struct dam_requests* r, uint32_t epoch) {
  return (r->flags & DAM_REQUESTS_STAGE) && r->epoch == (uint8_t)epoch;
}

DAM_INLINE int dam_requests_are_plain(const struct dam_requests* r) {
  return (r->flags & (DAM_REQUESTS_STAGE | DAM_REQUESTS_TLS12)) == DAM_REQUESTS_PLAIN;
}

/* Answers since the client last spoke; tickets are heard in advance. */
DAM_INLINE uint32_t dam_requests_unheard(const struct dam_requests* r) {
  uint32_t answers = (uint8_t)(r->records.answers - r->heard);
  return answers <= INT8_MAX ? answers : 0;
}

/* What is now known of the flow, but for the octet that is the other side's. */
DAM_INLINE void dam_requests_keep(struct dam_requests* kept, const struct dam_requests* r) {
  kept->records.next = r->records.next;
  kept->records.partial = r->records.partial;
  kept->records.length = r->records.length;
  kept->records.blocks = r->records.blocks;
  __builtin_memcpy(&kept->last, &r->last, sizeof *r - sizeof r->records);
}

/* RFC 6298 2.3, of the gaps between requests. */
DAM_INLINE void dam_requests_smooth(struct dam_requests* r, uint32_t gap) {
  enum { LONGEST = UINT16_MAX / 8 };
  if (gap > LONGEST) gap = LONGEST;
  if (r->gap_8 == 0) {
    r->gap_8 = (uint16_t)(gap * 8);
    r->gap_deviation_4 = (uint16_t)(gap * 2);
    return;
  }
  int32_t off = (int32_t)gap - r->gap_8 / 8;
  uint32_t deviation = (uint32_t)(off < 0 ? -off : off);
  r->gap_deviation_4 = (uint16_t)(r->gap_deviation_4 - r->gap_deviation_4 / 4 + deviation);
  r->gap_8 = (uint16_t)(r->gap_8 + off);
}

DAM_INLINE void dam_requests_note(struct dam_requests* r, uint32_t found, uint32_t now) {
  if (found == 0) return;
  if (r->count != 0) dam_requests_smooth(r, now - r->last);
  r->count += found;
  r->last = now;
}

#endif

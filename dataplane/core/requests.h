/* SPDX-License-Identifier: BSD-3-Clause */
/* How many HTTP requests a client makes over TLS, by the sizes, order and timing of its records
 * alone. What may be something else counts as nothing: with few exceptions, named below, never too
 * many are counted.
 *
 * HTTP/1.1 (the client offers no h2): a request is the first record after the server has spoken,
 * unless it is much shorter or longer than the connection's first: heads repeat themselves, and
 * messages of a WebSocket are mostly short beside the head that opened it.
 *
 * HTTP/2 (RFC 9113): a record may hold a request's head, or a piece of some body, or control
 * frames. Those are told by their size, since a head is never shorter than its number of fields,
 * which the first head's length tells roughly. Of the rest, heads and bodies look alike; but a body
 * follows a head, at once. So of a burst as many count as cannot be bodies of heads before them:
 * the first; the second of two may be the first one's body, and no more than one body of each head
 * is presumed. Records of one size, three or more in a row, are of one kind: heads, if there are
 * not so many heads before them; and so are two, if the server spoke between them. When the server
 * has spoken and a moment has passed, the burst is over. Several heads in one record are one.
 *
 * Too many: three and more bodies of one size, one behind the other, that have no head each (a
 * stream of small equal pieces in a quick burst); a body that comes late, after the server has
 * spoken of something else; messages of a WebSocket about as long as the head that opened it, each
 * turn one; clients that pad their records. tests/README.md has what was measured. */
#ifndef DAM_CORE_REQUESTS_H
#define DAM_CORE_REQUESTS_H

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
  DAM_REQUESTS_H2 = 4,        /* the client offers it */
  DAM_REQUESTS_TLS12 = 8,     /* or older */
  DAM_REQUESTS_CHANGED = 16,  /* its ChangeCipherSpec was seen */
  DAM_REQUESTS_ANSWERED = 32, /* the server has spoken since the burst began */
  DAM_REQUESTS_SPOKEN = 64,   /* and since the last record that may be of a request */
  DAM_REQUESTS_HEADS = 128    /* the run of equal sizes is one of heads */
};

/* Of one flow, beside it. */
struct dam_requests {
  struct dam_tls_cursor records;
  uint32_t seen; /* when the last record came that may be of a request, coarse */
  uint32_t last; /* when the last request did, coarse */
  uint32_t count;
  uint16_t first_bytes;     /* of the first request; 0: none yet */
  uint16_t bytes;           /* of the last record that may be of a request */
  uint16_t gap_8;           /* smoothed, in eighths of coarse units, as RFC 6298 smooths */
  uint16_t gap_deviation_4; /* its mean deviation, in quarters */
  uint8_t flags;            /* enum dam_requests_flags */
  uint8_t heads;            /* of the burst, whose bodies may still come */
  uint8_t run;              /* records of one size, give or take one, up to the last */
  uint8_t epoch;            /* the lowest octet of its flow's; another: this is an earlier flow's */
};
DAM_STATIC_ASSERT(sizeof(struct dam_requests) == 32, "half a cache line");

enum {
  DAM_REQUESTS_ANSWER_BYTES = 64, /* of a segment: more than the server's control frames */
  DAM_REQUESTS_QUIET = 2,         /* coarse */
  DAM_REQUESTS_MOST_HEADS = 128,  /* that wait for an answer; servers allow no more */
  DAM_REQUESTS_UPLOAD = 255,      /* heads: whatever comes is a body */
  DAM_REQUESTS_BODY_BYTES = 1200, /* more than a head but the first has */
  DAM_REQUESTS_HEAD_BYTES = 512,  /* more than those have that come in runs */
  DAM_REQUESTS_PREFACE_BYTES = 96 /* more than preface, SETTINGS and WINDOW_UPDATE take */
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

/* What AEADs add: the tag and, in TLS 1.3, the type; before it the explicit nonce of GCM. */
DAM_INLINE uint32_t dam_requests_plain(const struct dam_requests* r, uint32_t bytes) {
  uint32_t added = r->flags & DAM_REQUESTS_TLS12 ? 24 : 17;
  return bytes > added ? bytes - added : 0;
}

/* TLS 1.3: the first record that looks like application data is Finished (RFC 8446 4.4.4). Before
 * it, Finished is a short handshake record behind ChangeCipherSpec; a second ClientHello is longer.
 */
DAM_INLINE void dam_requests_shake(struct dam_requests* r, struct dam_tls_record record) {
  enum { FINISHED_MOST = 128 };
  if (record.type == DAM_TLS_CHANGE_CIPHER_SPEC) {
    r->flags |= DAM_REQUESTS_CHANGED;
  } else if (record.type == DAM_TLS_DATA) {
    dam_requests_enter(r, DAM_REQUESTS_FIRST);
  } else if ((r->flags & DAM_REQUESTS_CHANGED) && record.bytes < FINISHED_MOST) {
    r->flags |= DAM_REQUESTS_TLS12;
    dam_requests_enter(r, DAM_REQUESTS_FIRST);
  }
}

DAM_INLINE uint32_t dam_requests_turn(struct dam_requests* r, uint32_t plain) {
  enum { VARIES = 64, SHORTEST = 18 }; /* "GET / HTTP/1.0" and two line ends */
  uint32_t varies = r->first_bytes / 8u + VARIES;
  if ((r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_FIRST) {
    dam_requests_enter(r, DAM_REQUESTS_GOING);
    r->first_bytes = (uint16_t)plain;
  } else if (!(r->flags & DAM_REQUESTS_ANSWERED) || plain + varies < r->first_bytes ||
             plain > r->first_bytes + varies) {
    return 0;
  }
  if (plain < SHORTEST) return 0;
  dam_requests_clear(r, DAM_REQUESTS_ANSWERED);
  return 1;
}

/* SETTINGS, WINDOW_UPDATE, PING and RST_STREAM, two WINDOW_UPDATEs; and what is shorter than a
 * head. */
DAM_INLINE int dam_requests_is_control(const struct dam_requests* r, uint32_t plain) {
  enum { FRAME = 9, BYTES_OF_A_FIELD = 32 };
  return plain == FRAME || plain == FRAME + 4 || plain == FRAME + 8 || plain == 2 * (FRAME + 4) ||
         plain < FRAME + r->first_bytes / (uint32_t)BYTES_OF_A_FIELD;
}

/* Records of the run that count for bodies so far. */
DAM_INLINE uint32_t dam_requests_pending(const struct dam_requests* r) {
  return r->flags & DAM_REQUESTS_HEADS ? r->run == 2 : r->run;
}

DAM_INLINE void dam_requests_add_heads(struct dam_requests* r, uint32_t count) {
  uint32_t heads = r->heads + count;
  if (r->heads == DAM_REQUESTS_UPLOAD) return;
  r->heads = (uint8_t)(heads < DAM_REQUESTS_MOST_HEADS ? heads : (uint32_t)DAM_REQUESTS_MOST_HEADS);
}

/* Another size: what was pending were bodies. */
DAM_INLINE uint32_t dam_requests_new_run(struct dam_requests* r) {
  uint32_t bodies = dam_requests_pending(r);
  if (r->heads != DAM_REQUESTS_UPLOAD) r->heads -= (uint8_t)(bodies < r->heads ? bodies : r->heads);
  r->run = 1;
  dam_requests_clear(r, DAM_REQUESTS_HEADS);
  if (r->heads != 0) return 0;
  r->flags |= DAM_REQUESTS_HEADS;
  r->heads = 1;
  return 1;
}

/* One more of the same size; `spoken`: behind words of the server, as a body hardly comes. */
DAM_INLINE uint32_t dam_requests_same_run(struct dam_requests* r, int spoken) {
  enum { SURE = 3 };
  uint32_t pending = dam_requests_pending(r) + 1, certain = 1;
  if (r->run < UINT8_MAX) r->run++;
  if (spoken && r->run < SURE) r->run = SURE;
  if (r->run < SURE) return 0;
  if (!(r->flags & DAM_REQUESTS_HEADS)) {
    if (pending <= r->heads && !spoken) return 0;
    certain = spoken ? 1 : pending;
  } else if (r->run == SURE && !spoken) {
    certain = pending;
  }
  r->flags |= DAM_REQUESTS_HEADS;
  dam_requests_add_heads(r, certain);
  return certain;
}

DAM_INLINE uint32_t dam_requests_burst(struct dam_requests* r, uint32_t plain, uint32_t since) {
  int spoken = (r->flags & DAM_REQUESTS_SPOKEN) != 0;
  dam_requests_clear(r, DAM_REQUESTS_SPOKEN);
  if ((r->flags & DAM_REQUESTS_ANSWERED) && since >= DAM_REQUESTS_QUIET) {
    dam_requests_clear(r, DAM_REQUESTS_ANSWERED | DAM_REQUESTS_HEADS);
    /* Amid an upload the server's words may be no answer: its next piece may be a small one. */
    r->heads = r->heads == DAM_REQUESTS_UPLOAD ? 1 : 0;
    r->run = 0;
  }
  if (plain > DAM_REQUESTS_BODY_BYTES) {
    r->heads = DAM_REQUESTS_UPLOAD;
    r->run = 0;
    return 0;
  }
  uint32_t near = plain + 1 - r->bytes; /* 0, 1 or 2 */
  int same = r->run != 0 && near <= 2 && since < DAM_REQUESTS_QUIET;
  r->bytes = (uint16_t)plain;
  if (same && plain <= DAM_REQUESTS_HEAD_BYTES) return dam_requests_same_run(r, spoken);
  return dam_requests_new_run(r);
}

/* The first record begins with the preface (RFC 9113 3.4), and may have a request in it. */
DAM_INLINE uint32_t dam_requests_frames(struct dam_requests* r, uint32_t plain, uint32_t now) {
  uint32_t since = now - r->seen;
  if ((r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_FIRST) {
    dam_requests_enter(r, DAM_REQUESTS_GOING);
    dam_requests_clear(r, DAM_REQUESTS_ANSWERED);
    r->seen = now;
    if (plain < DAM_REQUESTS_PREFACE_BYTES) return 0;
  }
  if (dam_requests_is_control(r, plain)) return 0;
  if (r->first_bytes == 0) r->first_bytes = (uint16_t)plain;
  r->seen = now;
  return dam_requests_burst(r, plain, since);
}

DAM_INLINE uint32_t dam_requests_record(struct dam_requests* r, struct dam_tls_record record,
                                        uint32_t now) {
  if ((r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_HANDSHAKE) {
    dam_requests_shake(r, record);
    return 0;
  }
  if (record.type != DAM_TLS_DATA) return 0;
  uint32_t plain = dam_requests_plain(r, record.bytes);
  return r->flags & DAM_REQUESTS_H2 ? dam_requests_frames(r, plain, now)
                                    : dam_requests_turn(r, plain);
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

/* The client's segment goes on its way at `now` (coarse): how many requests it brings. */
DAM_INLINE uint32_t dam_requests_segment(struct dam_requests* r,
                                         const struct dam_tls_segment* segment, uint32_t now) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < DAM_TLS_RECORDS; i++) {
    struct dam_tls_record record = dam_tls_next(&r->records, segment);
    if (record.bytes == 0) break;
    found += dam_requests_record(r, record, now);
  }
  dam_requests_note(r, found, now);
  return found;
}

/* The server's segment goes on its way. */
DAM_INLINE void dam_requests_answer(struct dam_requests* r, uint32_t bytes) {
  uint32_t both = DAM_REQUESTS_ANSWERED | DAM_REQUESTS_SPOKEN;
  if (bytes < DAM_REQUESTS_ANSWER_BYTES || (r->flags & both) == both) return;
  r->flags |= (uint8_t)both;
}

#endif

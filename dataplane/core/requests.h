/* SPDX-License-Identifier: BSD-3-Clause */
/* How many HTTP requests a client makes over TLS, by the sizes, order and timing of records alone.
 * What may be something else counts as nothing; what is counted wrongly all the same is named
 * below.
 *
 * An answer: a record with application data at the beginning of a segment of the server's, longer
 * than its control frames, that acknowledges every record of the client's so far. Of long ones,
 * which go on in pieces, one is told between two records of the client.
 *
 * HTTP/1.1 (the client offers no h2): a request is the first record behind an answer, if it is
 * about as long as the connection's first or last one: heads repeat themselves, and messages of a
 * WebSocket are mostly short beside the head that opened it. Longer ones, as with cookies that were
 * set meanwhile, count from the second on.
 *
 * HTTP/2 (RFC 9113): a record may hold a request's head, or a piece of some body, or control
 * frames. Those are told by their size, since a head is never shorter than its number of fields,
 * which the first head's length tells roughly. When all heads are answered, and nothing waits or a
 * moment has passed, the next record is a head, and counts at once (but see
 * dam_requests_is_beside). Of what follows it, heads and bodies look alike. Those are taken for
 * heads that cannot be bodies, if each head has no more than one, and of these only records of
 * about one size, three or more in a row. They wait for the server's word: one counts for each
 * answer but the first ones, since the answer to an upload in small pieces may itself come in some;
 * in long answers each block is one. Several heads in one record are one.
 *
 * Too many: streams both ways, whose pieces look like requests and answers, turn by turn (gRPC,
 * WebSockets with messages as long as the head that opened it); a body that comes late, when the
 * server has answered everything else, or whose pieces come beside a download, 10 ms apart or
 * slower, or as long as the last head, or with less than 32 KiB between two; a body in three or
 * more pieces of one size, as long as heads are (those as short as control frames are not seen
 * between them), whose answer comes in more than two records, or behind which others follow at
 * once, or are answered meanwhile: answers of later requests that are about as long may pay for
 * them, too; bodies as long as the eight heads or more that came a moment before them; control
 * frames that no rule knows, as two PINGs in a record; clients that pad their records.
 * tests/README.md has what was measured. */
#ifndef DAM_CORE_REQUESTS_H
#define DAM_CORE_REQUESTS_H

#include "dataplane/core/requests_http1.h"
#include "dataplane/core/requests_http2.h"
#include "dataplane/core/requests_state.h"
#include "dataplane/core/tls_records.h"

/* What AEADs add: the tag and, in TLS 1.3, the type; before it the explicit nonce of GCM. */
DAM_INLINE uint32_t dam_requests_plain(const struct dam_requests* r, uint32_t bytes) {
  uint32_t added = r->flags & DAM_REQUESTS_TLS12 ? 24 : 17;
  return bytes > added ? bytes - added : 0;
}

/* RFC 8446 4.4.4, with SHA-256 and SHA-384. Longer ones before it: a client's certificate. */
DAM_INLINE int dam_requests_is_finished(uint32_t plain) {
  enum { HEADER = 4 };
  return plain == HEADER + 32 || plain == HEADER + 48;
}

/* TLS 1.3: Finished looks like application data. Before it, Finished is a short handshake record
 * behind ChangeCipherSpec; a second ClientHello is longer. The handshake's own words of the server
 * answer nothing; tickets come at once behind it. */
DAM_INLINE void dam_requests_shake(struct dam_requests* r, struct dam_tls_record record) {
  enum { FINISHED_MOST = 128 };
  if (record.type == DAM_TLS_CHANGE_CIPHER_SPEC) {
    r->flags |= DAM_REQUESTS_CHANGED;
  } else if (record.type == DAM_TLS_DATA) {
    if (!dam_requests_is_finished(dam_requests_plain(r, record.bytes))) return;
    dam_requests_enter(r, DAM_REQUESTS_FIRST);
    dam_requests_clear(r, DAM_REQUESTS_CHANGED);
    r->heard = (uint8_t)(r->records.answers + DAM_REQUESTS_TICKETS);
  } else if ((r->flags & DAM_REQUESTS_CHANGED) && record.bytes < FINISHED_MOST) {
    r->flags |= DAM_REQUESTS_TLS12;
    dam_requests_clear(r, DAM_REQUESTS_CHANGED);
    r->heard = r->records.answers;
    dam_requests_enter(r, DAM_REQUESTS_FIRST);
  }
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

/* The client's segment goes on its way at `now` (coarse): how many requests count with it. */
DAM_INLINE uint32_t dam_requests_segment(struct dam_requests* r,
                                         const struct dam_tls_segment* segment, dam_seq ack,
                                         uint32_t now) {
  uint32_t found = dam_requests_hear(r, ack);
  for (uint32_t i = 0; i < DAM_TLS_RECORDS; i++) {
    struct dam_tls_record record = dam_tls_next(&r->records, segment);
    if (record.bytes == 0) break;
    found += dam_requests_record(r, record, now);
  }
  dam_requests_note(r, found, now);
  return found;
}

/* "HTTP/1.1 101" (RFC 9110 15.2.2): what the client says from now on is no HTTP/1.x. */
DAM_INLINE int dam_requests_is_switch(const struct dam_tls_segment* segment) {
  enum { BYTES = 12 };
  const uint8_t* at = segment->payload;
  DAM_PIN(at);
  if (segment->bytes < BYTES || at + BYTES > segment->end) return 0;
  return dam_load_be32(at) == 0x48545450 && dam_load_be32(at + 4) == 0x2f312e31 &&
         dam_load_be32(at + 8) == 0x20313031;
}

/* The server's segment, with octets that are new, goes on its way; `ack` in the client's numbers.
 */
DAM_INLINE void dam_requests_answer(struct dam_requests* r, const struct dam_tls_segment* segment,
                                    dam_seq ack) {
  if (dam_requests_are_plain(r)) {
    int waits = r->records.partial == DAM_REQUESTS_UPGRADING;
    if (waits && dam_requests_is_switch(segment)) r->records.answers++;
    return;
  }
  const uint8_t* at = segment->payload;
  DAM_PIN(at);
  if (segment->bytes < DAM_TLS_HEADER_BYTES || at + DAM_TLS_HEADER_BYTES > segment->end) return;
  uint32_t bytes = dam_load_be16(at + 3);
  if (at[0] != DAM_TLS_DATA || !dam_tls_is_header(at[0], at[1], bytes)) return;
  if (bytes < DAM_REQUESTS_ANSWER_BYTES || dam_seq_before(ack, r->records.next)) return;
  uint32_t unheard = dam_requests_unheard(r), most = INT8_MAX;
  if (bytes >= DAM_REQUESTS_LONG_ANSWER_BYTES) most = 1;
  if (unheard < most) r->records.answers++;
}

#endif

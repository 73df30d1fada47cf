/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the records of a client's TLS stream begin (RFC 8446 5.1), followed by sequence numbers: no
 * octet is held, no key is known. What was overtaken or lost is looked for again at the beginnings
 * of segments, where writers put a record's header. */
#ifndef DAM_CORE_TLS_RECORDS_H
#define DAM_CORE_TLS_RECORDS_H

#include "dataplane/core/types.h"

enum {
  DAM_TLS_HEADER_BYTES = 5,
  DAM_TLS_MAJOR = 3,
  DAM_TLS_MOST_BYTES = (1 << 14) + 256, /* of a record */
  DAM_TLS_OFFSET_MASK = 0x7fff,
  DAM_TLS_PRESENT = 7,
  DAM_TLS_RECORDS =
      24 /* that are looked at in one segment: as many heads of a page as fit into it */
};
enum dam_tls_type { DAM_TLS_CHANGE_CIPHER_SPEC = 20, DAM_TLS_HANDSHAKE = 22, DAM_TLS_DATA = 23 };

struct dam_tls_cursor {
  dam_seq next;    /* where the next header begins, in the client's numbers */
  uint8_t partial; /* of a header that began in an earlier segment: type << 3 | octets so far */
  uint8_t length;  /* the higher octet of its length */
  uint8_t answers; /* of the other direction, as core/requests.h counts them */
  uint8_t blocks;  /* and this: of its octets */
};

struct dam_tls_record {
  uint32_t bytes; /* without its header; 0: none */
  uint8_t type;
};

/* The octets of a segment. */
struct dam_tls_segment {
  const uint8_t* payload;
  const uint8_t* end; /* of what may be read: less than the payload, where a frame is in pieces */
  dam_seq seq;
  uint32_t bytes;
};

DAM_INLINE int dam_tls_is_header(uint32_t type, uint32_t major, uint32_t bytes) {
  return type >= DAM_TLS_CHANGE_CIPHER_SPEC && type <= DAM_TLS_DATA && major == DAM_TLS_MAJOR &&
         bytes > 0 && bytes <= DAM_TLS_MOST_BYTES;
}

/* One more octet of a header; 0: that is none. */
DAM_INLINE int dam_tls_take(struct dam_tls_cursor* cursor, uint32_t octet) {
  uint32_t i = cursor->partial++ & DAM_TLS_PRESENT;
  if (i == 3) cursor->length = (uint8_t)octet;
  if (i != 0) return i != 1 || octet == DAM_TLS_MAJOR;
  if (octet < DAM_TLS_CHANGE_CIPHER_SPEC || octet > DAM_TLS_DATA) return 0;
  cursor->partial = (uint8_t)(octet << 3 | 1);
  return 1;
}

/* A segment behind a gap: 1, and the cursor stands at its beginning, if that looks like a header.
 */
DAM_INLINE int dam_tls_find_again(struct dam_tls_cursor* cursor,
                                  const struct dam_tls_segment* segment) {
  const uint8_t* at = segment->payload;
  DAM_PIN(at);
  if (segment->bytes < DAM_TLS_HEADER_BYTES || at + DAM_TLS_HEADER_BYTES > segment->end) return 0;
  if (!dam_tls_is_header(at[0], at[1], dam_load_be16(at + 3))) return 0;
  cursor->next = segment->seq;
  cursor->partial = 0;
  return 1;
}

/* The next record whose header ends in this segment; of 0 octets: there is none. Where something
 * else stands than a header, the next one is looked for behind that. */
DAM_INLINE struct dam_tls_record dam_tls_next(struct dam_tls_cursor* cursor,
                                              const struct dam_tls_segment* segment) {
  struct dam_tls_record record = {0, 0}, none = {0, 0};
  int32_t ahead =
      dam_seq_distance(segment->seq, dam_seq_add(cursor->next, cursor->partial & DAM_TLS_PRESENT));
  if (ahead < 0) {
    if (!dam_tls_find_again(cursor, segment)) return none;
    ahead = 0;
  }
  uint32_t offset = (uint32_t)ahead;
  for (uint32_t i = 0; i < DAM_TLS_HEADER_BYTES; i++, offset++) {
    const uint8_t* at = segment->payload + (offset & DAM_TLS_OFFSET_MASK);
    DAM_PIN(at);
    if (offset >= segment->bytes || at + 1 > segment->end) return none;
    if ((cursor->partial & DAM_TLS_PRESENT) < DAM_TLS_HEADER_BYTES - 1) {
      if (!dam_tls_take(cursor, *at)) break;
      continue;
    }
    record.type = (uint8_t)(cursor->partial >> 3);
    record.bytes = (uint32_t)cursor->length << 8 | *at;
    if (!dam_tls_is_header(record.type, DAM_TLS_MAJOR, record.bytes)) break;
    cursor->next = dam_seq_add(cursor->next, DAM_TLS_HEADER_BYTES + record.bytes);
    cursor->partial = 0;
    return record;
  }
  cursor->partial = 0;
  return none;
}

#endif

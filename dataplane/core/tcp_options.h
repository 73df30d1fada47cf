/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP options: MSS (RFC 9293 3.2), window scale and timestamps (RFC 7323), SACK (RFC 2018). */
#ifndef DAM_CORE_TCP_OPTIONS_H
#define DAM_CORE_TCP_OPTIONS_H

#include "dataplane/core/drop_reason.h"
#include "dataplane/core/packet_types.h"
#include "dataplane/core/types.h"

enum dam_tcp_option {
  DAM_OPTION_END = 0,
  DAM_OPTION_NOP = 1,
  DAM_OPTION_MSS = 2,
  DAM_OPTION_WSCALE = 3,
  DAM_OPTION_SACK_PERMITTED = 4,
  DAM_OPTION_SACK = 5,
  DAM_OPTION_TIMESTAMPS = 8
};

enum {
  DAM_OPTION_BYTES_MAX = 40,
  DAM_OPTION_MASK = 0x7ff,   /* no option starts behind this: DAM_OFFSET_MASK and 60 more */
  DAM_TIMESTAMPS_BYTES = 10, /* kind, length, TSval, TSecr */
  DAM_WSCALE_NONE = 15,
  DAM_WSCALE_MAX = 14, /* RFC 7323 2.3: larger ones are used as 14 */
  DAM_SACK_BLOCKS_MAX = 4
};

/* *_at: offset in the frame of the option's first octet (its kind); 0: none. */
struct dam_tcp_options {
  uint32_t tsval;
  uint32_t tsecr;
  uint16_t mss; /* 0: none */
  uint16_t timestamps_at;
  uint16_t sack_at;
  uint8_t wscale; /* DAM_WSCALE_NONE or at most DAM_WSCALE_MAX */
  uint8_t sack_permitted;
  uint8_t has_timestamps;
  uint8_t sack_blocks;
};

DAM_INLINE void dam_take_timestamps(const uint8_t* option, uint32_t at,
                                    struct dam_tcp_options* options) {
  options->tsval = dam_load_be32(option + 2);
  options->tsecr = dam_load_be32(option + 6);
  options->timestamps_at = (uint16_t)at;
  options->has_timestamps = 1;
}

/* One option of `length` octets at `option`; 0 when its length is wrong for its kind, or when a
 * second timestamps or SACK option comes: translating only one of them would let the other through
 * as it is. */
DAM_INLINE int dam_take_option(const uint8_t* option, const uint8_t* data_end, uint32_t at,
                               uint32_t length, struct dam_tcp_options* options) {
  switch (option[0]) {
    case DAM_OPTION_MSS:
      if (length != 4 || option + 4 > data_end) return 0;
      options->mss = dam_load_be16(option + 2);
      return 1;
    case DAM_OPTION_WSCALE:
      if (length != 3 || option + 3 > data_end) return 0;
      options->wscale = option[2];
      if (options->wscale > DAM_WSCALE_MAX) options->wscale = DAM_WSCALE_MAX;
      return 1;
    case DAM_OPTION_SACK_PERMITTED:
      options->sack_permitted = 1;
      return length == 2;
    case DAM_OPTION_SACK:
      if (length < 10 || (length - 2) % 8 || options->sack_blocks) return 0;
      options->sack_at = (uint16_t)at;
      options->sack_blocks = (uint8_t)((length - 2) / 8);
      return 1;
    case DAM_OPTION_TIMESTAMPS:
      if (length != DAM_TIMESTAMPS_BYTES || options->has_timestamps) return 0;
      if (option + DAM_TIMESTAMPS_BYTES > data_end) return 0;
      dam_take_timestamps(option, at, options);
      return 1;
    default:
      return 1;
  }
}

/* The options lie in `bytes` octets from `start`. The mask leaves `at` as it is; to the BPF
 * verifier it makes all turns of the loop look alike. */
DAM_INLINE enum dam_drop_reason dam_walk_options(const uint8_t* data, const uint8_t* data_end,
                                                 uint32_t start, uint32_t bytes,
                                                 struct dam_tcp_options* options) {
  uint32_t at = 0;
  for (int i = 0; i < DAM_OPTION_BYTES_MAX && at < bytes; i++) {
    const uint8_t* option = data + start + at;
    uint32_t length = 1;
    DAM_PIN(option);
    if (option + 1 > data_end) return DAM_DROP_malformed;
    if (option[0] == DAM_OPTION_END) break;
    if (option[0] != DAM_OPTION_NOP) {
      if (at + 2 > bytes || option + 2 > data_end) return DAM_DROP_malformed;
      length = option[1];
      if (length < 2 || at + length > bytes) return DAM_DROP_malformed;
      if (!dam_take_option(option, data_end, start + at, length, options)) {
        return DAM_DROP_malformed;
      }
    }
    at = (at + length) & 63;
    DAM_PIN(at);
  }
  return DAM_DROP_none;
}

/* RFC 7323 appendix A: nearly every segment of a connection with timestamps starts its options with
 * NOP, NOP, timestamps, and has no others. */
DAM_INLINE int dam_is_usual_timestamps(const uint8_t* first, const uint8_t* data_end,
                                       uint32_t bytes) {
  return bytes == 12 && first + 12 <= data_end && dam_load_be32(first) == 0x0101080a;
}

#ifndef __bpf__ /* whose verifier would follow each of these */
DAM_INLINE void dam_take_wscale(uint32_t word, struct dam_tcp_options* options) {
  uint8_t wscale = (uint8_t)word;
  options->wscale = wscale > DAM_WSCALE_MAX ? (uint8_t)DAM_WSCALE_MAX : wscale;
}

/* The options of a SYN as Linux, Windows and Apple's systems lay them out, a few words compared
 * instead of octets walked: 0 when they are laid out otherwise. */
DAM_INLINE int dam_take_usual_syn(const uint8_t* first, uint32_t at, uint32_t bytes,
                                  struct dam_tcp_options* options) {
  if (bytes < 12 || dam_load_be16(first) != (DAM_OPTION_MSS << 8 | 4)) return 0;
  uint32_t mss = dam_load_be32(first), second = dam_load_be32(first + 4);
  if (bytes == 20 && second == 0x0402080a) { /* MSS, SACK, timestamps, NOP, scale */
    uint32_t last = dam_load_be32(first + 16);
    if (last >> 8 != 0x010303) return 0;
    dam_take_wscale(last, options);
    dam_take_timestamps(first + 6, at + 6, options);
  } else if (bytes == 12 && second >> 8 == 0x010303) { /* MSS, NOP, scale, NOP, NOP, SACK */
    if (dam_load_be32(first + 8) != 0x01010402) return 0;
    dam_take_wscale(second, options);
  } else if (bytes == 24 && second >> 8 == 0x010303) { /* ..., timestamps, SACK, end */
    if (dam_load_be32(first + 8) != 0x0101080a) return 0;
    if (dam_load_be32(first + 20) >> 8 != 0x040200) return 0;
    dam_take_wscale(second, options);
    dam_take_timestamps(first + 10, at + 10, options);
  } else {
    return 0;
  }
  options->mss = (uint16_t)mss;
  options->sack_permitted = 1;
  return 1;
}
#endif

/* Reads the options of a parsed TCP packet: DAM_DROP_none, or DAM_DROP_malformed for lengths that
 * cannot be (RFC 9293 MUST-7) and for doubled timestamps or SACK options. */
DAM_INLINE enum dam_drop_reason dam_parse_tcp_options(const uint8_t* data, const uint8_t* data_end,
                                                      const struct dam_packet* packet,
                                                      struct dam_tcp_options* options) {
  uint32_t at = (packet->l4 & DAM_OFFSET_MASK) + DAM_TCP_BYTES;
  const uint8_t* first = data + at;
  __builtin_memset(options, 0, sizeof(*options));
  options->wscale = DAM_WSCALE_NONE;
  if (packet->payload == at) return DAM_DROP_none;
  if (dam_is_usual_timestamps(first, data_end, packet->payload - at)) {
    dam_take_timestamps(first + 2, at + 2, options);
    return DAM_DROP_none;
  }
#ifndef __bpf__
  if ((packet->tcp_flags & DAM_TCP_SYN) != 0 && packet->payload <= data_end - data &&
      dam_take_usual_syn(first, at, packet->payload - at, options)) {
    return DAM_DROP_none;
  }
#endif
  return dam_walk_options(data, data_end, at, packet->payload - at, options);
}

#endif

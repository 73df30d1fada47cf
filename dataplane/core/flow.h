/* SPDX-License-Identifier: BSD-3-Clause */
/* One proven connection, as both planes see it, and the index that finds it. 128 bytes: with its
 * two index entries, its timer and its source's buckets a flow costs at most 256 bytes all told. */
#ifndef DAM_CORE_FLOW_H
#define DAM_CORE_FLOW_H

#include "dataplane/core/splice.h"
#include "dataplane/core/types.h"
#include "dataplane/core/window.h"

#define DAM_NONE 0xffffffffu

enum __attribute__((packed)) dam_flow_state {
  DAM_FLOW_free,
  DAM_FLOW_hello,       /* client bytes are held until they say where to go */
  DAM_FLOW_connect,     /* SYN sent to a server */
  DAM_FLOW_deliver,     /* server answered; header and held bytes are not yet acknowledged */
  DAM_FLOW_established, /* each packet is translated, nothing else */
};
DAM_STATIC_ASSERT(sizeof(enum dam_flow_state) == 1, "one octet in the flow");

enum dam_flow_flags {
  DAM_FLOW_MANAGEMENT = 1,  /* its zone is a management zone */
  DAM_FLOW_ADMIN = 2,       /* its client is on the allow list */
  DAM_FLOW_CLOSING = 4,     /* both FINs acknowledged, or an exact RST: a short silence ends it */
  DAM_FLOW_SYN_SEEN = 8,    /* a SYN came for its ports: the next ACK may carry a new cookie */
  DAM_FLOW_COUNTED = 16,    /* it counts as concurrent in its source and zone */
  DAM_FLOW_ROUTED = 32,     /* it has a zone and counts in the flow table's shares */
  DAM_FLOW_FIN_CLIENT = 64, /* the client's FIN was seen; its end is in fin[DAM_C2S] */
  DAM_FLOW_FIN_SERVER = 128,
  /* Flows with one of these take the long way, through the engine's on_control(). */
  DAM_FLOW_SLOW = DAM_FLOW_CLOSING | DAM_FLOW_SYN_SEEN | DAM_FLOW_FIN_CLIENT | DAM_FLOW_FIN_SERVER
};

struct dam_flow {
  /* First line: read by every packet. */
  dam_address client;
  struct dam_splice splice;
  dam_be16 client_port;
  uint16_t source_port; /* of the dam, towards the server; host order */
  uint16_t listener_slot;
  uint16_t server_slot;
  uint32_t source; /* index in the source table, or DAM_NONE */
  uint8_t zone_slot;
  enum dam_flow_state state;
  uint8_t flags;      /* enum dam_flow_flags */
  uint8_t local;      /* which of the dam's addresses talks to the server */
  uint32_t last_seen; /* in units of 2^20 ns */
  /* Second line. Sequence numbers are as their sender wrote them. */
  struct dam_track track;
  dam_seq fin[2]; /* [dir]: the sequence number behind the FIN */
  dam_seq client_isn;
  dam_seq cookie;        /* the dam's initial sequence number towards the client */
  uint16_t neighbour[2]; /* [dir]: next hop of packets going dir */
  uint8_t out_interface[2];
  uint8_t family;        /* 4 or 6 */
  uint8_t rst_direction; /* with DAM_FLOW_CLOSING by RST: where it went; 0xff: none */
  uint32_t handshake;    /* index of the cold part, or DAM_NONE */
  union {
    uint32_t opened;    /* when its client had proven its address, in units of 2^20 ns */
    uint32_t next_free; /* of an entry that is free */
  };
  uint32_t epoch;           /* counts the lives of this entry */
  uint32_t lists_seen;      /* digest of the lists that its client was last held against; 0: none */
  uint16_t cookie_tries;    /* how many more ACKs may be tried as cookies; see DAM_FLOW_SYN_SEEN */
  uint16_t tries_granted_s; /* when the last tries were granted, in seconds of 2^30 ns */
} __attribute__((aligned(64)));
DAM_STATIC_ASSERT(sizeof(struct dam_flow) == 128, "two cache lines");

DAM_INLINE uint32_t dam_coarse(uint64_t now_ns) { return (uint32_t)(now_ns >> 20); }

/* Beside each flow, at its place: the fingerprint of its client's hello (engine/ja4.h). The
 * engine's alone, kept for the engine after it. */
struct dam_fingerprint {
  uint64_t word[2];
};
DAM_STATIC_ASSERT(sizeof(struct dam_fingerprint) == 16, "its table outlives the dataplane");

/* From `seen` to `now`, in those units, which begin anew after 52 days. What another CPU has just
 * seen may lie behind the `now` of this one: that is no time at all. */
DAM_INLINE uint32_t dam_coarse_since(uint32_t seen, uint32_t now) {
  const uint32_t since = now - seen;
  return since > 0xffff0000u ? 0 : since;
}

/* The index: from a 64-bit keyed hash to references (flow << 1 | direction). An entry lives in its
 * first bucket, and in its second one only while the first was full. One cache line. */
enum { DAM_INDEX_SLOTS = 10 };
struct dam_index_bucket {
  uint16_t tag[DAM_INDEX_SLOTS]; /* 0: free */
  uint16_t overflow;             /* entries of this bucket that live in their second one */
  uint16_t foreign;              /* bit i: slot i holds an entry whose first bucket is another */
  uint32_t ref[DAM_INDEX_SLOTS];
} __attribute__((aligned(64)));
DAM_STATIC_ASSERT(sizeof(struct dam_index_bucket) == 64, "one cache line");

DAM_INLINE uint16_t dam_index_tag(uint64_t hash) {
  uint16_t tag = (uint16_t)(hash >> 48);
  return tag == 0 ? 1 : tag;
}
DAM_INLINE uint32_t dam_index_first(uint64_t hash, uint32_t mask) { return (uint32_t)hash & mask; }
/* Its own inverse, and never the same bucket (the mask has bit 0 set). */
DAM_INLINE uint32_t dam_index_other(uint32_t bucket, uint16_t tag, uint32_t mask) {
  return bucket ^ (((tag * 0x9e3779b1u) >> 7 | 1) & mask);
}

#endif

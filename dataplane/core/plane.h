/* SPDX-License-Identifier: BSD-3-Clause */
/* Small records that the two planes share, beside flows, sources and the view of the policy. */
#ifndef DAM_CORE_PLANE_H
#define DAM_CORE_PLANE_H

#include "dataplane/core/counters.h"
#include "dataplane/core/flow.h"
#include "dataplane/core/requests.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/types.h"

enum { DAM_MAX_NEIGHBOURS = 8192, DAM_STRAYS = 4096 };
/* Of a neighbour's word, whose first six octets in memory are its link address. */
#define DAM_MAC_KNOWN (UINT64_C(1) << 63)

enum dam_neighbour_state {
  DAM_NEIGHBOUR_free,
  DAM_NEIGHBOUR_writing,
  DAM_NEIGHBOUR_ready,
  DAM_NEIGHBOUR_gone /* nobody's, but others were put behind it: the search goes on */
};

/* A next hop. Flows name it by its place in the table, which it keeps as long as the table lasts;
 * its link address lies apart, for packets read nothing else. */
struct dam_neighbour {
  dam_address address;
  uint64_t asked_ns;     /* when the last request went out; 0: never */
  uint64_t confirmed_ns; /* when the last answer came in */
  uint32_t state;        /* enum dam_neighbour_state */
  uint16_t interface;
  uint8_t unanswered; /* requests since the last answer */
  uint8_t wanted;     /* a packet needs it, and it is not known */
  uint8_t named;      /* by the policy */
} __attribute__((aligned(64)));
DAM_STATIC_ASSERT(sizeof(struct dam_neighbour) == 64, "one cache line");

/* Theoretical arrival times of a zone's totals: one cache line a zone. */
struct dam_zone_totals {
  uint64_t tat_ns[DAM_DIM_COUNT];
} __attribute__((aligned(64)));

/* A segment of no connection whose cookie did not hold, by the hash of its addresses and ports. */
struct dam_stray {
  uint32_t tag;
  uint32_t since; /* coarse */
};

/* RFC 9293 3.10.7.1 wants an RST for a connection that does not exist: without it the clients of a
 * dam that was restarted wait for their own time-outs. But the first such segment may be a true
 * client's second one whose first was lost, as may happen to a ClientHello of two: that client
 * sends its last one again after two round trips (the tail loss probe, RFC 8985 7.2), and its first
 * one only then. 1: this one was seen before, longer ago than that takes, and now it counts as
 * forgotten. */
DAM_INLINE int dam_is_lost(struct dam_stray* stray, uint64_t flow_hash, uint64_t now_ns) {
  enum { PROBED = 2500000000 >> 20, FORGOTTEN = 60000000000 >> 20 }; /* coarse */
  uint32_t tag = (uint32_t)(flow_hash >> 32) | 1, now = dam_coarse(now_ns);
  uint32_t age = now - stray->since;
  int known = stray->tag == tag && age < FORGOTTEN;
  if (known && age < PROBED) return 0;
  stray->tag = known ? 0 : tag;
  stray->since = known ? 0 : now;
  return known;
}

/* Entry i of the source table belongs to slot i % DAM_SOURCE_SLOTS of bucket i / DAM_SOURCE_SLOTS;
 * a key may live in either of two buckets. */
enum { DAM_SOURCE_SLOTS = 14 };
struct dam_source_bucket {
  uint64_t control;                /* version 32 | entry that is being published, + 1 */
  uint32_t word[DAM_SOURCE_SLOTS]; /* 0: free; else tag 22 | round 8 | status 2 */
} __attribute__((aligned(64)));
DAM_STATIC_ASSERT(sizeof(struct dam_source_bucket) == 64, "one cache line");

/* A line of a set of prefixes: 16 words of its directory, 32 points of a list, 512 bits of a
 * bitmap, or half a node of its tree. */
struct dam_line {
  union {
    uint32_t word[16];
    uint16_t point[32];
    uint64_t key[8];
  };
} __attribute__((aligned(64)));

/* What was switched off on a device, to be switched on again when the dam leaves it. */
struct dam_device_changes {
  char name[16];    /* empty: a free entry */
  uint32_t ifindex; /* of this name; another one has nothing to do with us */
  uint32_t offloads;
};

/* The host's ports that the dam has reserved, and nobody else: bit by port. */
struct dam_own_ports {
  uint64_t word[1024];
};

/* Of one CPU. What climbs to the dataplane is counted there. */
struct dam_kernel_counters {
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t cookies_sent;
  uint64_t cookies_accepted;
  uint64_t cookies_bad;
  uint64_t host_packets;
  uint64_t climbed;      /* handed to the dataplane */
  uint64_t reset_tat_ns; /* limits RSTs to clients that lost their connection */
  uint64_t stray_tat_ns; /* limits what climbs without a flow */
  uint64_t arp_tat_ns;   /* limits ARP that climbs; NDP and echo likewise */
  uint64_t ndp_tat_ns;
  uint64_t echo_tat_ns;
  uint64_t out_ifindex; /* tests: where the last frame went */
  struct dam_sighting sighting;
  struct dam_requests requests; /* of the packet under way */
} __attribute__((aligned(64)));

#endif

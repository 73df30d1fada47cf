/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel's plane reads of the policy: plain records by slot, written by the dataplane into
 * memory that both map. Two views lie side by side; `active` names the one in force, so that a
 * policy takes effect whole. This is an ABI between a dataplane and the program that an earlier one
 * may have left in the kernel: whoever changes a record here raises DAM_VIEW_VERSION. */
#ifndef DAM_CORE_VIEW_H
#define DAM_CORE_VIEW_H

#include "dataplane/core/counters.h"
#include "dataplane/core/gcra.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/table_hash.h"
#include "dataplane/core/types.h"

enum {
  DAM_VIEW_MAGIC = 0x76616431, /* "1dav" */
  DAM_VIEW_VERSION = 12,
  DAM_MAX_INTERFACES = 16,
  DAM_MAX_SUBNETS = 64,
  DAM_MAX_LISTENERS = 1024, /* address and port pairs, retired ones included */
  DAM_LISTENER_BUCKETS = 2048,
  DAM_MAX_OWN = 1024 + 64, /* addresses of listeners and of interfaces */
  DAM_OWN_BUCKETS = 4096,
  DAM_SERVER_BUCKETS = 1024,
  DAM_MAX_LOCALS = 16,
  DAM_MAX_FEW_POINTS = 64,
  DAM_PREFIX_LEVELS = 12,
  DAM_MAX_QUEUES = 64, /* of one device */
  DAM_PROBES = 16,
  DAM_NO_SLOT = 0xffff
};

enum dam_exceeded { DAM_EXCEEDED_DROP, DAM_EXCEEDED_RESET, DAM_EXCEEDED_BAN };

struct dam_view_interface {
  uint32_t ifindex;
  uint16_t vlan; /* DAM_VLAN_NONE: untagged */
  uint16_t mtu;
  uint8_t mac[6];
  uint8_t device;        /* sockets of queue q: at device * DAM_MAX_QUEUES + q */
  uint8_t answered_here; /* the host is not on this VLAN: ARP, NDP and echo are the dam's */
};

/* An on-link subnet; the longest prefix first. */
struct dam_view_subnet {
  dam_address prefix;
  dam_address mask;
  uint32_t interface;
  uint32_t bits;
};

/* What a SYN-ACK of this listener may promise: what each of its servers keeps. */
enum dam_promise { DAM_PROMISE_SACK = 1, DAM_PROMISE_TIMESTAMPS = 2, DAM_PROMISE_ECN = 4 };

struct dam_view_listener {
  dam_address address;
  uint64_t zone_mask; /* the zones that its routes lead to */
  dam_be16 port;
  uint16_t mss;    /* promised at most */
  uint8_t wscale;  /* promised, or DAM_WSCALE_NONE */
  uint8_t promise; /* enum dam_promise */
  uint8_t in_policy;
  uint8_t may_ban; /* each of its zones bans: a source may be banned in them all */
};

struct dam_view_zone {
  struct dam_gcra_rate per_source[DAM_DIM_COUNT]; /* interval 0: no limit */
  struct dam_gcra_rate total[DAM_DIM_COUNT];
  uint64_t ban_within_ns;
  uint64_t ban_for_ns;
  uint32_t ban_after;
  uint8_t exceeded; /* enum dam_exceeded */
  uint8_t shadow;
  uint8_t management;
  uint8_t source_bits_v4;
  uint8_t source_bits_v6;
  uint8_t key; /* of the engine's ZoneKey; 0: addresses, in what older ones wrote, too */
  uint8_t counts_requests;
  uint8_t reserved[5];
};

struct dam_view_server {
  dam_address address[2]; /* [0] IPv4, [1] IPv6; all zero: none */
  dam_be16 port;
  uint16_t reserved[3];
};

/* Where the pieces of a set of prefixes lie among its lines of 64 octets; see core/prefixes.h. */
struct dam_view_prefixes {
  uint32_t few[DAM_MAX_FEW_POINTS];
  uint32_t few_count;
  uint32_t has_directory; /* 2^20 words from line 0 on */
  uint32_t lists_at;      /* first line of the lists and bitmaps */
  uint32_t nodes_at;      /* first line of the tree; a node has two */
  uint32_t levels;
  uint32_t level_first[DAM_PREFIX_LEVELS];
  uint8_t empty;
  uint8_t zero_inside_v4;
  uint8_t zero_inside;
  uint8_t reserved;
};

/* The policy's two lists, and the bans of operators. Their number: a power of two. */
enum dam_prefix_list { DAM_ALLOW, DAM_DENY, DAM_BANS, DAM_PREFIX_LISTS = 4 };

struct dam_view {
  uint64_t policy_version;
  uint32_t interfaces;
  uint32_t subnets;
  uint32_t listeners;
  uint32_t locals;
  uint16_t first_source_port;
  uint16_t last_source_port;
  uint16_t gateway_interface[2]; /* [is IPv6]; DAM_NO_SLOT: none */
  uint16_t client_window;        /* of a SYN-ACK: what the dam holds of a client's first bytes */
  uint16_t reserved;
  uint32_t lists_digest; /* of the lists; flows keep the one that they were held against */
  struct dam_view_prefixes prefixes[DAM_PREFIX_LISTS];
  struct dam_view_interface interface[DAM_MAX_INTERFACES];
  struct dam_view_subnet subnet[DAM_MAX_SUBNETS];
  dam_address local[DAM_MAX_LOCALS]; /* from which the dam talks to servers */
  /* Slots + 1 by dam_address_bucket, then the next bucket, and so on for DAM_PROBES; 0: free. */
  uint16_t listener_table[DAM_LISTENER_BUCKETS];
  uint16_t own_table[DAM_OWN_BUCKETS];
  uint16_t server_table[DAM_SERVER_BUCKETS];
  dam_address own[DAM_MAX_OWN];
  struct dam_view_zone zone[DAM_MAX_ZONES];
  struct dam_view_server server[DAM_MAX_SERVERS];
  struct dam_view_listener listener[DAM_MAX_LISTENERS];
  /* For the next dataplane, whose slots must be the same: flows name them. Empty: a free slot. */
  char zone_name[DAM_MAX_ZONES][DAM_NAME_BYTES];
  char server_name[DAM_MAX_SERVERS][DAM_NAME_BYTES];
};

/* What must outlive a dataplane process beside the tables, and what the kernel asks for each
 * packet. `magic`, `version` and the sizes let another version refuse what it would misread. */
struct dam_control {
  uint32_t magic;
  uint32_t version;
  uint32_t flow_bytes; /* sizeof(struct dam_flow), and so on */
  uint32_t source_bytes;
  uint32_t view_bytes;
  uint32_t counters_bytes;
  uint32_t flows;      /* entries */
  uint32_t index_mask; /* of the flow index */
  uint32_t source_buckets;
  uint64_t hash_key[2];
  struct dam_table_key table_key;       /* made of it */
  struct dam_cookie_secrets secrets[2]; /* the one of secret_generation & 1 is in force */
  uint32_t secret_generation;
  uint32_t active;            /* view in force, or DAM_NO_VIEW: hand everything to the host */
  struct dam_capture capture; /* what the dataplane wants to see of packets */
  uint64_t heartbeat_ns;      /* of the dataplane that takes up what climbs; see dam_is_attended */
  uint64_t now_ns;            /* tests: the time that it is */
  uint32_t ingress_ifindex;   /* tests: where a packet comes in */
};
#define DAM_NO_VIEW 0xffffffffu

/* A dataplane that has ended takes up no cookie: its clients would be connected to nobody. */
#define DAM_HEARTBEAT_MOST_NS UINT64_C(3000000000)
DAM_INLINE int dam_is_attended(const struct dam_control* control, uint64_t now_ns) {
  uint64_t heartbeat_ns = dam_load_shared64(&control->heartbeat_ns);
  return now_ns < heartbeat_ns + DAM_HEARTBEAT_MOST_NS;
}

/* One multiplication spreads the listeners of a policy: they are the operator's own choice. */
DAM_INLINE uint32_t dam_address_bucket(const dam_address* address, dam_be16 port) {
  uint32_t mixed = address->word[0] ^ address->word[1] ^ address->word[2] ^ address->word[3];
  return (mixed ^ port.raw) * 0x9e3779b1u >> 16;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The ABI of the counters: one shared-memory file that the dataplane writes and anyone may read.
 * One writer per worker block, plain 64-bit stores, no locks; readers add the workers up. */
#ifndef DAM_CORE_COUNTERS_H
#define DAM_CORE_COUNTERS_H

#include "dataplane/core/drop_reason.h"
#include "dataplane/core/types.h"

enum {
  DAM_COUNTERS_MAGIC = 0x6d616431, /* "1dam" */
  DAM_COUNTERS_VERSION = 8,
  DAM_MAX_WORKERS = 16,
  DAM_MAX_ZONES = 64, /* slot 0 is "front": traffic that has no route yet */
  DAM_MAX_SERVERS = 256,
  DAM_MAX_SHOWN_INTERFACES = 32,
  DAM_NAME_BYTES = 64 /* with the closing NUL */
};

/* The dimensions of a zone's buckets: name (as in dam.yaml), unit. */
#define DAM_DIMENSIONS(X)       \
  X(packets, "packets")         \
  X(bytes_up, "bytes")          \
  X(bytes_down, "bytes")        \
  X(connections, "connections") \
  X(requests, "requests")
enum dam_dimension {
#define X(name, unit) DAM_DIM_##name,
  DAM_DIMENSIONS(X)
#undef X
      DAM_DIM_COUNT
};
/* A source's bucket of requests lies beside its entry: see core/source_entry.h. */
enum { DAM_ENTRY_DIMS = DAM_DIM_requests };
/* What bans and shadow mode are counted by: the dimensions, and open connections at once. */
enum { DAM_SHADOW_CONCURRENT = DAM_DIM_COUNT, DAM_SHADOW_COUNT };

struct dam_zone_counters {
  uint64_t packets[2]; /* forwarded, by enum dam_direction */
  uint64_t bytes[2];   /* forwarded, whole frames */
  uint64_t connections_opened;
  uint64_t connections_closed;     /* open now = opened - closed, summed over workers */
  uint64_t requests;               /* forwarded, in zones that limit them: core/requests.h */
  uint64_t bans[DAM_SHADOW_COUNT]; /* of sources, by the limit that they broke last */
  uint64_t shadow_exceeded[2][DAM_SHADOW_COUNT]; /* [0] per source, [1] total: what `mode: shadow`
                                                    let by */
  uint64_t drops[DAM_DROP_COUNT];
};

DAM_INLINE uint64_t dam_bans_of(const struct dam_zone_counters* zone) {
  uint64_t bans = 0;
  for (int limit = 0; limit < DAM_SHADOW_COUNT; limit++) bans += zone->bans[limit];
  return bans;
}

struct dam_server_counters {
  uint64_t connections_opened;
  uint64_t connections_closed;
  uint64_t connect_failures;
};

/* How long and how much: name, binary logarithm of the first bound, number of bounds (each twice
 * the one before), units of the value in one of the metric's, metric, help text. */
#define DAM_HISTOGRAMS(X)                                                                        \
  X(hello_time, 6, 18, 1000000, "dam_hello_duration_seconds",                                    \
    "From the client's proof of its address to the route, its ClientHello or request read.")     \
  X(connect_time, 6, 18, 1000000, "dam_server_connect_duration_seconds",                         \
    "From the SYN to the server that took the connection to its SYN-ACK.")                       \
  X(handshake_time, 6, 18, 1000000, "dam_handshake_duration_seconds",                            \
    "From the client's proof of its address until the server has all that the dam had held.")    \
  X(hello_size, 6, 11, 1, "dam_client_hello_size_bytes", "TLS ClientHellos with their records.") \
  X(burst_size, 0, 7, 1, "dam_burst_size_packets", "Packets of the bursts that were not empty.")
enum dam_histogram_kind {
#define X(name, first, bounds, unit, metric, text) DAM_HISTOGRAM_##name,
  DAM_HISTOGRAMS(X)
#undef X
      DAM_HISTOGRAM_COUNT
};
enum { DAM_HISTOGRAM_BOUNDS = 18 };
struct dam_histogram {
  uint64_t sum;
  uint64_t counts[DAM_HISTOGRAM_BOUNDS + 1]; /* [i]: up to the i-th bound; what is above them all
                                                lies behind the last one */
};

/* What TLS clients offer: the highest version, and their first choice of what to speak. */
#define DAM_TLS_VERSIONS(X) \
  X(tls1_0, "1.0")          \
  X(tls1_1, "1.1")          \
  X(tls1_2, "1.2")          \
  X(tls1_3, "1.3")          \
  X(other, "other")
enum dam_tls_version {
#define X(name, text) DAM_TLS_##name,
  DAM_TLS_VERSIONS(X)
#undef X
      DAM_TLS_COUNT
};
#define DAM_ALPNS(X)          \
  X(h2, "h2")                 \
  X(http1_1, "http/1.1")      \
  X(acme_tls_1, "acme-tls/1") \
  X(other, "other")           \
  X(none, "none")
enum dam_alpn {
#define X(name, text) DAM_ALPN_##name,
  DAM_ALPNS(X)
#undef X
      DAM_ALPN_COUNT
};

struct dam_worker_counters {
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t bursts; /* that were not empty */
  uint64_t busy_cycles;
  uint64_t idle_cycles;
  uint64_t handed_off;
  uint64_t cookies_sent;
  uint64_t cookies_accepted;
  uint64_t cookies_bad;
  uint64_t proxy_headers_sent;
  uint64_t retransmissions;
  uint64_t host_packets; /* handed to the host's own stack */
  uint64_t host_sent;    /* and taken from it; driver dpdk */
  uint64_t hello_versions[DAM_TLS_COUNT];
  uint64_t hello_alpns[DAM_ALPN_COUNT];
  struct dam_histogram histograms[DAM_HISTOGRAM_COUNT];
  struct dam_zone_counters zones[DAM_MAX_ZONES];
  struct dam_server_counters servers[DAM_MAX_SERVERS];
} __attribute__((aligned(64)));

/* `first`, `bounds`: as DAM_HISTOGRAMS says. */
DAM_INLINE void dam_observe(struct dam_histogram* histogram, uint64_t value, uint32_t first,
                            uint32_t bounds) {
  const uint64_t above = value > 0 ? (value - 1) >> first : 0;
  const uint32_t at = above == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(above);
  histogram->sum += value;
  histogram->counts[at < bounds ? at : bounds]++;
}

/* What `top` orders sources by: name, what is counted. */
#define DAM_TOP_MEASURES(X)                                                                \
  X(packets, "packets that passed, both ways")                                             \
  X(bytes, "octets of frames that passed, both ways")                                      \
  X(connections, "connections that found their route")                                     \
  X(violations,                                                                            \
    "packets and connections refused over the limits for one source, or banned by a zone") \
  X(fingerprints, "TLS ClientHellos, by their JA4 fingerprint instead of their source")

/* Fill of every bounded table, now. */
#define DAM_TABLES(X)                                                   \
  X(flows, "live connections with a route")                             \
  X(half_open, "connections whose route is not known yet")              \
  X(sources, "source addresses with buckets")                           \
  X(hold_chunks, "pieces of memory that hold client bytes")             \
  X(source_ports, "source ports towards the servers")                   \
  X(neighbours, "link addresses of next hops")                          \
  X(log_connections, "connections that are over and wait to be logged") \
  X(log_refusals, "kinds of refusals (source, zone, reason) for the log")
enum dam_table {
#define X(name, text) DAM_TABLE_##name,
  DAM_TABLES(X)
#undef X
      DAM_TABLE_COUNT
};

struct dam_server_state {
  char name[DAM_NAME_BYTES]; /* empty: the slot is free */
  uint32_t up;               /* 1 up, 0 down */
  uint32_t mss;              /* learned from its SYN-ACK; 0 unknown */
  uint32_t options;          /* bit 0 SACK, 1 timestamps, 2 ECN, 3 window scale */
  uint32_t wscale;
  uint64_t changed_at_ns; /* monotonic */
};

/* How a frame comes to the worker that owns its flow: name, what it means. */
#define DAM_STEERINGS(X)                                                           \
  X(single, "one worker takes everything")                                         \
  X(nic_hash,                                                                      \
    "the NIC spreads by a Toeplitz hash whose key is the dam's (RSS), and each"    \
    " source port is chosen so that replies come to the worker of their flow")     \
  X(handoff, "workers hand frames of each other's flows over by rings")            \
  X(kernel,                                                                        \
    "the kernel's CPUs share all flows, as the NIC spreads them; the rest is one " \
    "worker's")
enum dam_steering {
#define X(name, text) DAM_STEERING_##name,
  DAM_STEERINGS(X)
#undef X
      DAM_STEERING_COUNT
};

/* What is known of an interface of the dam's, now: name, shape (flag or number), how many of the
 * metric's units one is, metric, help text. */
#define DAM_INTERFACE_FIELDS(X)                                                                  \
  X(link_up, flag, 1, "dam_interface_link_up", "1: there is a link on the cable of its device.") \
  X(speed_mbit, number, 125000, "dam_interface_speed_bytes",                                     \
    "Speed of its link, in bytes a second; 0: not known.")                                       \
  X(mtu, number, 1, "dam_interface_mtu_bytes", "The largest IP packet that its device takes.")   \
  X(queues, number, 1, "dam_interface_queues", "Queue pairs of its device that the dam serves.") \
  X(link_changes, number, 1, "dam_interface_link_changes_total",                                 \
    "How often its link has gone or come back since the dataplane started.")

struct dam_interface_state {
  char name[DAM_NAME_BYTES];   /* the policy's; empty: there are no more */
  char device[DAM_NAME_BYTES]; /* of several VLANs it may be one */
  uint32_t vlan;               /* 0: untagged */
  uint32_t steering;           /* enum dam_steering */
#define X(field, shape, factor, metric, text) uint64_t field;
  DAM_INTERFACE_FIELDS(X)
#undef X
};

struct dam_counters {
  uint32_t magic;
  uint32_t version;
  uint32_t size_bytes; /* of this structure */
  uint32_t workers;
  uint64_t start_unix_ns;
  uint64_t heartbeat_ns; /* CLOCK_MONOTONIC of the control thread's last round, every 100 ms */
  uint64_t policy_version;
  uint64_t tsc_hz;
  char driver[DAM_NAME_BYTES];
  char zone_names[DAM_MAX_ZONES][DAM_NAME_BYTES]; /* empty: the slot is free */
  struct dam_server_state servers[DAM_MAX_SERVERS];
  uint64_t table_used[DAM_TABLE_COUNT];
  uint64_t table_capacity[DAM_TABLE_COUNT];
  struct dam_worker_counters worker[DAM_MAX_WORKERS];
  struct dam_interface_state interfaces[DAM_MAX_SHOWN_INTERFACES];
};

DAM_STATIC_ASSERT(sizeof(struct dam_counters) % 64 == 0, "worker blocks stay cache-line aligned");

#endif

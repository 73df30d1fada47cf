/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that the kernel's plane and the dataplane share. All tables are arrays that the
 * dataplane maps into its own memory: both planes read and write the same flows, buckets and bans,
 * and whatever the dataplane process does, they stay. Sizes are set when the program is loaded. */
#ifndef DAM_EBPF_MAPS_H
#define DAM_EBPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "dataplane/core/counters.h"
#include "dataplane/core/flow.h"
#include "dataplane/core/plane.h"
#include "dataplane/core/requests.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/source_entry.h"
#include "dataplane/core/view.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_control);
} dam_control SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 2);
  __type(key, uint32_t);
  __type(value, struct dam_view);
} dam_views SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_index_bucket);
} dam_index SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_flow);
} dam_flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_source_bucket);
} dam_source_buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_source_entry);
} dam_sources SEC(".maps");

/* Beside dam_flows and dam_sources, at the same places; asked for in zones that limit requests. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_requests);
} dam_requests SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, uint64_t);
} dam_request_tats SEC(".maps");

/* Beside dam_flows. No packet needs to know, the next dataplane does. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_fingerprint);
} dam_fingerprints SEC(".maps");

/* By neighbour: its link address in the first six octets, and DAM_MAC_KNOWN. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_MAX_NEIGHBOURS);
  __type(key, uint32_t);
  __type(value, uint64_t);
} dam_macs SEC(".maps");

/* Who they are; and what was changed on the devices. No packet needs to know, the next dataplane
 * does. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_MAX_NEIGHBOURS);
  __type(key, uint32_t);
  __type(value, struct dam_neighbour);
} dam_neighbours SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_MAX_INTERFACES);
  __type(key, uint32_t);
  __type(value, struct dam_device_changes);
} dam_devices SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_own_ports);
} dam_ports SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_MAX_ZONES);
  __type(key, uint32_t);
  __type(value, struct dam_zone_totals);
} dam_totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_STRAYS);
  __type(key, uint32_t);
  __type(value, struct dam_stray);
} dam_strays SEC(".maps");

/* Whose cookie held a moment ago: its flow may still be in the making. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_STRAYS);
  __type(key, uint32_t);
  __type(value, struct dam_stray);
} dam_openings SEC(".maps");

/* Counters: one writer per CPU. Zones at cpu * DAM_MAX_ZONES + zone. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, DAM_MAX_ZONES);
  __type(key, uint32_t);
  __type(value, struct dam_zone_counters);
} dam_zone_counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, uint32_t);
  __type(value, struct dam_kernel_counters);
} dam_counts SEC(".maps");

/* Lines of the sets of prefixes, by view * DAM_PREFIX_LISTS + list; made anew for each policy. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2 * DAM_PREFIX_LISTS);
  __type(key, uint32_t);
  __array(
      values, struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
        __uint(max_entries, 1);
        __uint(key_size, sizeof(uint32_t));
        __uint(value_size, sizeof(struct dam_line));
      });
} dam_prefix_lines SEC(".maps");

/* What became of packets, for the dataplane that made this map: struct dam_sight and, where a
 * capture wants it, the frame. Nobody is woken; it comes and looks. */
enum { DAM_SIGHTS_BYTES = 1 << 20 };
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, DAM_SIGHTS_BYTES);
} dam_sights SEC(".maps");

/* The dataplane's sockets, at device * DAM_MAX_QUEUES + queue. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, DAM_MAX_INTERFACES* DAM_MAX_QUEUES);
  __type(key, uint32_t);
  __type(value, uint32_t);
} dam_sockets SEC(".maps");

/* A function of its own to the verifier, which walks it once, whatever came before. Weak, so that
 * the compiler takes it for no more than it says, either: else callers do without arguments that it
 * does not use, and without checks of what it never gives. */
#define DAM_STEP __attribute__((noinline, weak))

#define DAM_LOOKUP(map, index)              \
  ({                                        \
    uint32_t dam_key_ = (index);            \
    bpf_map_lookup_elem(&(map), &dam_key_); \
  })

#endif

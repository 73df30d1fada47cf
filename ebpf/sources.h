/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of the source table, found without a reference: good for a glance at a ban or a bucket.
 */
#ifndef DAM_EBPF_SOURCES_H
#define DAM_EBPF_SOURCES_H

#include "dataplane/core/source_entry.h"
#include "dataplane/core/source_key.h"
#include "ebpf/frame.h"

DAM_INLINE uint32_t source_in(uint32_t bucket_at, uint32_t member, const dam_address* prefix,
                              uint32_t zone_slot) {
  const struct dam_source_bucket* bucket = DAM_LOOKUP(dam_source_buckets, bucket_at);
  if (!bucket) return DAM_NONE;
  for (uint32_t i = 0; i < DAM_SOURCE_SLOTS; i++) {
    if (bucket->word[i] != member) continue;
    uint32_t at = bucket_at * DAM_SOURCE_SLOTS + i;
    const struct dam_source_entry* entry = DAM_LOOKUP(dam_sources, at);
    if (!entry || !(entry->state & DAM_SOURCE_LIVE)) continue;
    uint32_t zone = entry->state >> DAM_SOURCE_ZONE_SHIFT & (DAM_MAX_ZONES - 1);
    if (zone == zone_slot && dam_address_equal(&entry->prefix, prefix)) return at;
  }
  return DAM_NONE;
}

/* The index of the entry of the packet's source in a zone, or DAM_NONE. */
DAM_STEP uint32_t dam_find_source(struct job* job, uint32_t zone_slot) {
  if (!job) return DAM_NONE;
  zone_slot &= DAM_MAX_ZONES - 1;
  DAM_PIN(zone_slot);
  const struct dam_control* control = DAM_LOOKUP(dam_control, 0);
  const struct dam_view* view = DAM_LOOKUP(dam_views, job->view_index);
  if (!control || !view) return DAM_NONE;
  const struct dam_view_zone* zone = &view->zone[zone_slot & (DAM_MAX_ZONES - 1)];
  struct dam_source_key key;
  dam_source_key_of(&key, &control->table_key, &job->packet.src, (uint8_t)zone_slot,
                    zone->source_bits_v4, zone->source_bits_v6);
  struct dam_source_place place = dam_source_place_of(key.hash, control->source_buckets);
  uint32_t at = source_in(place.first, place.member, &key.prefix, zone_slot);
  return at != DAM_NONE ? at : source_in(place.second, place.member, &key.prefix, zone_slot);
}

DAM_INLINE struct dam_source_entry* find_source(const struct frame* f, uint32_t zone_slot) {
  return DAM_LOOKUP(dam_sources, dam_find_source(f->job, zone_slot));
}

/* 1: banned in each zone that this listener leads to, so its SYN ends here. */
DAM_INLINE int is_banned_everywhere(const struct frame* f, uint64_t zones) {
  if (zones == 0) return 0;
  for (uint32_t slot = 0; slot < DAM_MAX_ZONES && zones; slot++, zones >>= 1) {
    if (!(zones & 1)) continue;
    const struct dam_view_zone* zone = &f->view->zone[slot];
    if (zone->exceeded != DAM_EXCEEDED_BAN || zone->shadow) return 0;
    struct dam_source_entry* entry = find_source(f, slot);
    if (!entry || !dam_source_banned(entry, f->job->now_ns)) return 0;
  }
  return 1;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The allow and deny lists, and the bans. Their lines are laid out by the engine's PrefixSet, which
 * says what they are made of: a directory of the IPv4 /20s with lists and bitmaps behind it, and a
 * tree for IPv6. */
#ifndef DAM_EBPF_LISTS_H
#define DAM_EBPF_LISTS_H

#include "ebpf/frame.h"

enum { LIST_LOW_BITS = 12, LIST_KIND_BITS = 3, LIST_UNIT = 4, LIST_POINTS = 32, NODE_KEYS = 8 };
enum list_kind { LIST_NOTHING, LIST_EVERYTHING, LIST_BITMAP, LIST_POINTS_4 };

/* 1 if a < b. BPF has no such instruction but jumps, and each jump in a loop doubles what the
 * verifier walks: the borrow of a - b instead (H. Warren, "Hacker's Delight", 2-13). */
DAM_INLINE uint32_t is_less(uint64_t a, uint64_t b) {
  return (uint32_t)(((~a & b) | ((~a | b) & (a - b))) >> 63);
}
DAM_INLINE uint32_t is_equal(uint64_t a, uint64_t b) {
  uint64_t difference = a ^ b;
  return (uint32_t)(~(difference | (0 - difference)) >> 63);
}

DAM_INLINE int few_contain(const struct dam_view_prefixes* set, uint32_t address) {
  uint32_t below = 0;
  for (uint32_t i = 0; i < DAM_MAX_FEW_POINTS && i < set->few_count; i++) {
    below += is_less(set->few[i], address);
  }
  return set->zero_inside_v4 != (below & 1);
}

/* `first` is the first point, of 4, 8, 16 or 32 that lie in one line. Four at a time: the highest
 * bit of a lane says that its point, below 2^15 or never reached, lies behind `low`; and whether an
 * even number lies before it is what counts. */
DAM_INLINE int points_contain(const struct dam_line* line, uint32_t first, uint32_t count,
                              uint32_t low) {
  const uint64_t ones = UINT64_C(0x0001000100010001), highs = ones << 15;
  uint64_t behind = 0;
  for (uint32_t i = 0; i < NODE_KEYS && i < count / LIST_UNIT; i++) {
    uint64_t four = line->key[(first / LIST_UNIT + i) & (NODE_KEYS - 1)];
    behind ^= (four | highs) - (low + 1) * ones;
  }
  behind = behind >> 15 & ones;
  behind ^= behind >> 32;
  return (int)((behind ^ behind >> 16) & 1);
}

DAM_INLINE int table_contains(void* lines, const struct dam_view_prefixes* set, uint32_t address) {
  uint32_t block = address >> LIST_LOW_BITS, low = address & ((1u << LIST_LOW_BITS) - 1);
  uint32_t at = block / 16;
  const struct dam_line* line = bpf_map_lookup_elem(lines, &at);
  if (!line) return 0;
  uint32_t entry = line->word[block & 15], kind = entry & ((1u << LIST_KIND_BITS) - 1);
  if (kind <= LIST_EVERYTHING) return kind == LIST_EVERYTHING;
  uint32_t first = (entry >> LIST_KIND_BITS) * LIST_UNIT;
  at = set->lists_at + first / LIST_POINTS;
  if (kind == LIST_BITMAP) at += low / (16 * LIST_POINTS);
  line = bpf_map_lookup_elem(lines, &at);
  if (!line) return 0;
  if (kind == LIST_BITMAP) return line->point[low / 16 & (LIST_POINTS - 1)] >> (low & 15) & 1;
  return points_contain(line, first, (uint32_t)LIST_UNIT << (kind - LIST_POINTS_4), low);
}

/* Keys below (high, low) in the node whose halves these are. */
DAM_INLINE uint32_t keys_below(const struct dam_line* highs, const struct dam_line* lows,
                               uint64_t high, uint64_t low) {
  uint32_t below = 0;
  for (int i = 0; i < NODE_KEYS; i++) {
    below +=
        is_less(highs->key[i], high) | (is_equal(highs->key[i], high) & is_less(lows->key[i], low));
  }
  return below;
}

DAM_INLINE int tree_contains(void* lines, const struct dam_view_prefixes* set,
                             const dam_address* address) {
  uint64_t high =
      (uint64_t)__builtin_bswap32(address->word[0]) << 32 | __builtin_bswap32(address->word[1]);
  uint64_t low =
      (uint64_t)__builtin_bswap32(address->word[2]) << 32 | __builtin_bswap32(address->word[3]);
  uint32_t index = 0, below = 0;
  for (uint32_t level = 0; level < DAM_PREFIX_LEVELS && level < set->levels; level++) {
    uint32_t at = set->nodes_at + 2 * (set->level_first[level] + index);
    const struct dam_line* highs = bpf_map_lookup_elem(lines, &at);
    at++;
    const struct dam_line* lows = bpf_map_lookup_elem(lines, &at);
    if (!highs || !lows) return 0;
    below = keys_below(highs, lows, high, low);
    index = index * (NODE_KEYS + 1) + below;
  }
  return set->zero_inside != (below & 1);
}

/* Is the packet's source on a list (enum dam_prefix_list)? */
DAM_STEP int dam_is_listed(struct job* job, uint32_t list) {
  if (!job) return 0;
  list &= DAM_PREFIX_LISTS - 1;
  const struct dam_view* view = DAM_LOOKUP(dam_views, job->view_index);
  if (!view || view->prefixes[list].empty) return 0;
  const struct dam_view_prefixes* set = &view->prefixes[list];
  const dam_address* address = &job->packet.src;
  int v4 = dam_address_is_v4(address);
  uint32_t value = __builtin_bswap32(address->word[3]);
  if (v4 && !set->has_directory) return few_contain(set, value);
  if (!v4 && set->levels == 0) return set->zero_inside;
  void* lines = DAM_LOOKUP(dam_prefix_lines, job->view_index * DAM_PREFIX_LISTS + list);
  if (!lines) return 0;
  return v4 ? table_contains(lines, set, value) : tree_contains(lines, set, address);
}

/* The same of an IPv4 address, as it lies in packets. */
DAM_STEP int dam_is_listed_v4(uint32_t view_index, uint32_t list, uint32_t word) {
  list &= DAM_PREFIX_LISTS - 1;
  const struct dam_view* view = DAM_LOOKUP(dam_views, view_index);
  if (!view || view->prefixes[list].empty) return 0;
  const struct dam_view_prefixes* set = &view->prefixes[list];
  if (!set->has_directory) return few_contain(set, __builtin_bswap32(word));
  void* lines = DAM_LOOKUP(dam_prefix_lines, view_index * DAM_PREFIX_LISTS + list);
  return lines && table_contains(lines, set, __builtin_bswap32(word));
}

/* Why the packet's source may not come in, or DAM_DROP_none. The allow list wins, always. */
DAM_INLINE enum dam_drop_reason why_denied(const struct frame* f) {
  enum dam_drop_reason why = DAM_DROP_denied;
  if (!dam_is_listed(f->job, DAM_DENY)) {
    if (!dam_is_listed(f->job, DAM_BANS)) return DAM_DROP_none;
    why = DAM_DROP_source_banned;
  }
  return dam_is_listed(f->job, DAM_ALLOW) ? DAM_DROP_none : why;
}

#endif

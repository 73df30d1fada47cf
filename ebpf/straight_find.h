/* SPDX-License-Identifier: BSD-3-Clause */
/* What the straight way reads of a frame, and whom it finds by that. */
#ifndef DAM_EBPF_STRAIGHT_FIND_H
#define DAM_EBPF_STRAIGHT_FIND_H

#include "ebpf/find.h"
#include "ebpf/lists.h"

enum {
  STRAIGHT_L3 = DAM_ETHERNET_BYTES,
  STRAIGHT_L4 = STRAIGHT_L3 + DAM_IPV4_BYTES,
  STRAIGHT_HEADERS = STRAIGHT_L4 + DAM_TCP_BYTES
};

/* What dam_parse says of an untagged IPv4 frame with a whole TCP segment and no IP options; 0 when
 * it is none. Checked together: such frames fail no check. */
DAM_INLINE int parse_straight(const uint8_t* data, const uint8_t* end, struct dam_packet* packet) {
  if (data + STRAIGHT_HEADERS > end) return 0;
  const uint8_t *ip = data + STRAIGHT_L3, *tcp = data + STRAIGHT_L4;
  uint32_t odd = dam_load_be16(data + 12) ^ DAM_ETHER_IPV4;
  odd |= (uint32_t)(ip[0] ^ 0x45) | (uint32_t)(ip[9] ^ DAM_PROTOCOL_TCP);
  odd |= dam_load_be16(ip + 6) & 0x3fff; /* a fragment */
  uint32_t total = dam_load_be16(ip + 2), header = (uint32_t)(tcp[12] >> 4) * 4;
  if (odd || total > 0x7fff || STRAIGHT_L3 + total > (uint32_t)(end - data)) return 0;
  if (header < DAM_TCP_BYTES || DAM_IPV4_BYTES + header > total) return 0;
  packet->src = dam_address_v4(dam_load32(ip + 12));
  packet->dst = dam_address_v4(dam_load32(ip + 16));
  packet->src_port.raw = dam_load16(tcp);
  packet->dst_port.raw = dam_load16(tcp + 2);
  packet->seq.value = dam_load_be32(tcp + 4);
  packet->ack.value = dam_load_be32(tcp + 8);
  packet->l3 = STRAIGHT_L3;
  packet->l4 = STRAIGHT_L4;
  packet->payload = (uint16_t)(STRAIGHT_L4 + header);
  packet->payload_bytes = (uint16_t)(total - DAM_IPV4_BYTES - header);
  packet->end = (uint16_t)(STRAIGHT_L3 + total);
  packet->vlan = DAM_VLAN_NONE;
  packet->family = 4;
  packet->tcp_flags = tcp[13];
  return 1;
}

/* The first entry of a bucket with this tag, or DAM_NONE: all ten compared at once, since of a jump
 * for each one is guessed wrongly for nearly every packet. A lane of 16 bits of `x - ones & ~x` has
 * its highest bit set where x has a lane of zero, and rightly so for the lowest such lane. */
DAM_INLINE uint32_t first_of_tag(const struct dam_index_bucket* bucket, uint16_t tag) {
  const uint64_t ones = UINT64_C(0x0001000100010001), highs = ones << 15;
  const uint64_t* lanes = (const uint64_t*)(const void*)bucket;
  uint64_t x0 = lanes[0] ^ tag * ones, x1 = lanes[1] ^ tag * ones, x2 = lanes[2] ^ tag * ones;
  uint64_t found = ((x0 - ones) & ~x0 & highs) >> 15 | ((x1 - ones) & ~x1 & highs) >> 14;
  found |= ((x2 - ones) & ~x2 & highs & UINT32_MAX) >> 13; /* its other lanes are no tags */
  if (found == 0) return DAM_NONE;
  found &= 0 - found;
  uint64_t word = ((found | found >> 16 | found >> 32 | found >> 48) & 7) >> 1;
  uint64_t lane = (found >> word) * UINT64_C(0x0000000100020003) >> 48;
  uint64_t slot = word * 4 + lane;
  DAM_PIN(slot);
  return slot < DAM_INDEX_SLOTS ? bucket->ref[slot] : DAM_NONE;
}

/* What is probably the packet's flow (its tag is the same), or DAM_NONE: then it has none. */
DAM_INLINE uint32_t straight_candidate(const struct frame* f) {
  uint64_t hash = hash_of(f->control, f->packet);
  uint32_t mask = f->control->index_mask, first = dam_index_first(hash, mask);
  uint16_t tag = dam_index_tag(hash);
  f->job->hash = hash;
  const struct dam_index_bucket* bucket = DAM_LOOKUP(dam_index, first);
  if (!bucket) return DAM_NONE;
  uint32_t ref = first_of_tag(bucket, tag);
  if (ref != DAM_NONE || bucket->overflow == 0) return ref;
  bucket = DAM_LOOKUP(dam_index, dam_index_other(first, tag, mask));
  return bucket ? first_of_tag(bucket, tag) : DAM_NONE;
}

/* The listener of the policy that the packet is for, if it lies in its first place; or null. */
DAM_INLINE const struct dam_view_listener* straight_listener(const struct frame* f) {
  const struct dam_view* view = f->view;
  const struct dam_packet* packet = f->packet;
  uint32_t bucket = dam_address_bucket(&packet->dst, packet->dst_port);
  uint32_t slot = view->listener_table[bucket & (DAM_LISTENER_BUCKETS - 1)];
  if (slot == 0) return 0;
  const struct dam_view_listener* listener = &view->listener[--slot & (DAM_MAX_LISTENERS - 1)];
  int right = listener->in_policy && listener->port.raw == packet->dst_port.raw &&
              dam_address_equal(&listener->address, &packet->dst);
  return right ? listener : 0;
}

DAM_INLINE int is_listed_straight(const struct frame* f, uint32_t list) {
  if (f->view->prefixes[list].empty) return 0;
  return dam_is_listed_v4(f->job->view_index, list, f->packet->src.word[3]);
}

/* Sources on lists too long for the view are refused before the flows are asked, which costs a
 * flood more than its list does. Then both lists are asked: the reason must not depend on their
 * lengths. The allow list wins, always. */
DAM_INLINE enum dam_drop_reason why_denied_straight(const struct frame* f) {
  if (!(f->view->prefixes[DAM_DENY].has_directory | f->view->prefixes[DAM_BANS].has_directory)) {
    return DAM_DROP_none;
  }
  enum dam_drop_reason why = DAM_DROP_denied;
  if (!straight_listener(f)) return DAM_DROP_none;
  if (!is_listed_straight(f, DAM_DENY)) {
    if (!is_listed_straight(f, DAM_BANS)) return DAM_DROP_none;
    why = DAM_DROP_source_banned;
  }
  return is_listed_straight(f, DAM_ALLOW) ? DAM_DROP_none : why;
}

#endif

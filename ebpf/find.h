/* SPDX-License-Identifier: BSD-3-Clause */
/* Which flow, which listener, which interface. */
#ifndef DAM_EBPF_FIND_H
#define DAM_EBPF_FIND_H

#include "dataplane/core/flow_key.h"
#include "ebpf/frame.h"

DAM_INLINE int is_flow(const struct dam_view* view, const struct dam_flow* flow, uint32_t direction,
                       const struct dam_packet* packet) {
  if (flow->state == DAM_FLOW_free) return 0;
  if (direction == DAM_C2S) {
    const struct dam_view_listener* listener =
        &view->listener[flow->listener_slot & (DAM_MAX_LISTENERS - 1)];
    return flow->client_port.raw == packet->src_port.raw &&
           listener->port.raw == packet->dst_port.raw &&
           dam_address_equal(&flow->client, &packet->src) &&
           dam_address_equal(&listener->address, &packet->dst);
  }
  const struct dam_view_server* server = &view->server[flow->server_slot & (DAM_MAX_SERVERS - 1)];
  return dam_ntoh16(packet->dst_port) == flow->source_port &&
         server->port.raw == packet->src_port.raw &&
         dam_address_equal(&server->address[flow->family == 6], &packet->src) &&
         dam_address_equal(&view->local[flow->local & (DAM_MAX_LOCALS - 1)], &packet->dst);
}

DAM_INLINE uint32_t find_in(const struct dam_view* view, const struct dam_index_bucket* bucket,
                            uint16_t tag, const struct dam_packet* packet) {
  for (int i = 0; i < DAM_INDEX_SLOTS; i++) {
    if (bucket->tag[i] != tag) continue;
    uint32_t ref = bucket->ref[i];
    const struct dam_flow* flow = DAM_LOOKUP(dam_flows, ref >> 1);
    if (flow && is_flow(view, flow, ref & 1, packet)) return ref;
  }
  return DAM_NONE;
}

/* The reference (flow << 1 | direction) of the packet's flow, or DAM_NONE. */
DAM_INLINE uint32_t find_flow(const struct dam_control* control, const struct dam_view* view,
                              const struct dam_packet* packet, uint64_t hash) {
  uint32_t mask = control->index_mask;
  uint16_t tag = dam_index_tag(hash);
  uint32_t first = dam_index_first(hash, mask);
  const struct dam_index_bucket* bucket = DAM_LOOKUP(dam_index, first);
  if (!bucket) return DAM_NONE;
  uint32_t ref = find_in(view, bucket, tag, packet);
  if (ref != DAM_NONE || bucket->overflow == 0) return ref;
  bucket = DAM_LOOKUP(dam_index, dam_index_other(first, tag, mask));
  return bucket ? find_in(view, bucket, tag, packet) : DAM_NONE;
}

DAM_INLINE struct dam_flow_key key_of(const struct dam_packet* packet) {
  struct dam_flow_key key;
  key.remote = packet->src;
  key.local = packet->dst;
  key.remote_port = packet->src_port;
  key.local_port = packet->dst_port;
  return key;
}

DAM_INLINE uint64_t hash_of(const struct dam_control* control, const struct dam_packet* packet) {
  struct dam_flow_key key = key_of(packet);
  if (dam_address_is_v4(&key.remote) && dam_address_is_v4(&key.local)) {
    return dam_flow_hash_v4(&control->table_key, key.remote.word[3], key.local.word[3],
                            (uint32_t)dam_flow_key_ports(&key));
  }
  return dam_flow_hash(&control->table_key, &key);
}

/* The slot of the policy's listener that the packet is for, or DAM_NO_SLOT. */
DAM_INLINE uint32_t find_listener(const struct dam_view* view, const struct dam_packet* packet) {
  uint32_t bucket = dam_address_bucket(&packet->dst, packet->dst_port);
  for (uint32_t i = 0; i < DAM_PROBES; i++) {
    uint32_t slot = view->listener_table[(bucket + i) & (DAM_LISTENER_BUCKETS - 1)];
    if (slot == 0) return DAM_NO_SLOT;
    const struct dam_view_listener* listener = &view->listener[--slot & (DAM_MAX_LISTENERS - 1)];
    if (listener->port.raw == packet->dst_port.raw &&
        dam_address_equal(&listener->address, &packet->dst)) {
      return slot & (DAM_MAX_LISTENERS - 1);
    }
  }
  return DAM_NO_SLOT;
}

DAM_INLINE int is_own(const struct dam_view* view, const dam_address* address) {
  dam_be16 no_port = {0};
  uint32_t bucket = dam_address_bucket(address, no_port);
  for (uint32_t i = 0; i < DAM_PROBES; i++) {
    uint32_t slot = view->own_table[(bucket + i) & (DAM_OWN_BUCKETS - 1)] - 1u;
    DAM_PIN(slot);
    if (slot >= DAM_MAX_OWN) return 0; /* 0 - 1 as well */
    if (dam_address_equal(&view->own[slot], address)) return 1;
  }
  return 0;
}

/* By device and VLAN. */
DAM_INLINE uint32_t find_interface(const struct dam_view* view, uint32_t ifindex, uint16_t vlan) {
  for (uint32_t i = 0; i < DAM_MAX_INTERFACES && i < view->interfaces; i++) {
    if (view->interface[i].ifindex == ifindex && view->interface[i].vlan == vlan) return i;
  }
  return DAM_NO_SLOT;
}

DAM_INLINE int is_sent_to(const struct frame* f, const uint8_t* mac) {
  const uint8_t* data = frame_data(f);
  if (data + DAM_ETHERNET_BYTES > frame_end(f)) return 0;
  return dam_load32(data) == dam_load32(mac) && dam_load16(data + 4) == dam_load16(mac + 4);
}

/* To the dam's link address on this interface (DAM_NO_SLOT: it has none there). */
DAM_INLINE int is_addressed_here(const struct frame* f, uint32_t interface) {
  return interface != DAM_NO_SLOT &&
         is_sent_to(f, f->view->interface[interface & (DAM_MAX_INTERFACES - 1)].mac);
}

DAM_INLINE int covers(const struct dam_view_subnet* subnet, const dam_address* address) {
  return ((address->word[0] & subnet->mask.word[0]) ^ subnet->prefix.word[0]) == 0 &&
         ((address->word[1] & subnet->mask.word[1]) ^ subnet->prefix.word[1]) == 0 &&
         ((address->word[2] & subnet->mask.word[2]) ^ subnet->prefix.word[2]) == 0 &&
         ((address->word[3] & subnet->mask.word[3]) ^ subnet->prefix.word[3]) == 0 &&
         dam_address_is_v4(&subnet->prefix) == dam_address_is_v4(address);
}

/* The interface towards a destination: by the longest on-link subnet, else the family's gateway. */
DAM_INLINE uint32_t link_towards(const struct dam_view* view, const dam_address* destination) {
  for (uint32_t i = 0; i < DAM_MAX_SUBNETS && i < view->subnets; i++) {
    if (covers(&view->subnet[i], destination)) return view->subnet[i].interface;
  }
  return view->gateway_interface[dam_address_is_v4(destination) ? 0 : 1];
}

DAM_INLINE int is_broadcast_v4(const struct dam_view* view, uint32_t word) {
  for (uint32_t i = 0; i < DAM_MAX_SUBNETS && i < view->subnets; i++) {
    const struct dam_view_subnet* subnet = &view->subnet[i];
    if (subnet->bits < 127 && word == (subnet->prefix.word[3] | ~subnet->mask.word[3]) &&
        dam_address_is_v4(&subnet->prefix)) {
      return 1;
    }
  }
  return 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The link-layer header of the way out, and out. */
#ifndef DAM_EBPF_TRANSMIT_H
#define DAM_EBPF_TRANSMIT_H

#include "ebpf/frame.h"

DAM_INLINE void write_ethernet(uint8_t* at, const struct dam_view_interface* out, uint64_t mac,
                               uint32_t header, uint32_t family) {
  dam_store32(at, (uint32_t)mac);
  dam_store16(at + 4, (uint16_t)(mac >> 32));
  dam_store32(at + 6, dam_load32(out->mac));
  dam_store16(at + 10, dam_load16(out->mac + 4));
  uint16_t type = family == 4 ? DAM_ETHER_IPV4 : DAM_ETHER_IPV6;
  if (header == DAM_ETHERNET_BYTES) {
    dam_store_be16(at + 12, type);
  } else {
    dam_store_be16(at + 12, DAM_ETHER_VLAN);
    dam_store_be16(at + 14, out->vlan);
    dam_store_be16(at + 16, type);
  }
}

/* Cuts or lengthens the frame to `bytes` (its offsets as parsed) and its link-layer header to what
 * the way out wants. Link-layer padding stays behind. */
DAM_INLINE int transmit(const struct frame* f, uint32_t bytes, uint32_t out, uint64_t mac) {
  const struct dam_view_interface* interface = &f->view->interface[out & (DAM_MAX_INTERFACES - 1)];
  uint32_t header = DAM_ETHERNET_BYTES;
  if (interface->vlan != DAM_VLAN_NONE) header += DAM_VLAN_BYTES;
  int tail = (int)bytes - (int)frame_bytes(f), head = (int)f->packet->l3 - (int)header;
  if (tail != 0 && bpf_xdp_adjust_tail(f->ctx, tail)) return drop_untold(f, DAM_DROP_no_buffer, 0);
  if (head != 0 && bpf_xdp_adjust_head(f->ctx, head)) return drop_untold(f, DAM_DROP_no_buffer, 0);
  uint8_t* data = frame_data(f);
  if (data + DAM_ETHERNET_BYTES + DAM_VLAN_BYTES > frame_end(f)) {
    return drop_untold(f, DAM_DROP_malformed, 0);
  }
  write_ethernet(data, interface, mac, header, f->packet->family);
  return sent(f, interface->ifindex);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing of Ethernet, VLAN, IPv4/IPv6, TCP and ICMP headers into struct dam_packet. */
#ifndef DAM_CORE_PACKET_H
#define DAM_CORE_PACKET_H

#include "dataplane/core/drop_reason.h"
#include "dataplane/core/packet_types.h"
#include "dataplane/core/types.h"

/* How much of a packet must be there. */
enum dam_parse_extent {
  DAM_PARSE_WHOLE, /* all of it */
  DAM_PARSE_QUOTED /* the head that an ICMP error quotes: IP header and 8 octets (RFC 792) */
};

/* What lies before `end` can be read; but the BPF verifier wants to see data_end compared. */
#ifdef __bpf__
#define DAM_BEYOND(p, bytes, data_end) ((p) + (bytes) > (data_end))
#else
#define DAM_BEYOND(p, bytes, data_end) ((void)(data_end), 0)
#endif

/* `l4` and `end` are set; a whole segment lies within them, a quoted one may end early. */
DAM_INLINE enum dam_drop_reason dam_parse_tcp(const uint8_t* data, const uint8_t* data_end,
                                              enum dam_parse_extent extent,
                                              struct dam_packet* packet) {
  const uint8_t* tcp = data + packet->l4;
  DAM_PIN(tcp);
  uint32_t there = (uint32_t)(packet->end - packet->l4), header = there;
  if (there < 8 || DAM_BEYOND(tcp, 8, data_end)) return DAM_DROP_malformed;
  packet->src_port.raw = dam_load16(tcp);
  packet->dst_port.raw = dam_load16(tcp + 2);
  packet->seq.value = dam_load_be32(tcp + 4);
  if (there >= DAM_TCP_BYTES && !DAM_BEYOND(tcp, DAM_TCP_BYTES, data_end)) {
    header = (uint32_t)(tcp[12] >> 4) * 4;
    if (header < DAM_TCP_BYTES) return DAM_DROP_malformed;
    packet->ack.value = dam_load_be32(tcp + 8);
    packet->tcp_flags = tcp[13];
    packet->window = dam_load_be16(tcp + 14);
  } else if (extent == DAM_PARSE_WHOLE) {
    return DAM_DROP_malformed;
  }
  if (header > there) {
    if (extent == DAM_PARSE_WHOLE) return DAM_DROP_malformed;
    header = there;
  }
  packet->kind = DAM_KIND_TCP;
  packet->payload = (uint16_t)(packet->l4 + header);
  packet->payload_bytes = (uint16_t)(there - header);
  return DAM_DROP_none;
}

DAM_INLINE enum dam_drop_reason dam_parse_icmp(struct dam_packet* packet) {
  if (packet->l4 + DAM_ICMP_BYTES > packet->end) return DAM_DROP_malformed;
  packet->kind = DAM_KIND_ICMP;
  packet->payload = (uint16_t)(packet->l4 + DAM_ICMP_BYTES);
  packet->payload_bytes = (uint16_t)(packet->end - packet->payload);
  return DAM_DROP_none;
}

DAM_INLINE enum dam_drop_reason dam_parse_l4(const uint8_t* data, const uint8_t* data_end,
                                             enum dam_parse_extent extent, uint32_t l4,
                                             uint8_t protocol, struct dam_packet* packet) {
  if (l4 > packet->end || l4 > DAM_OFFSET_MASK) return DAM_DROP_malformed;
  packet->l4 = (uint16_t)l4;
  if (protocol == DAM_PROTOCOL_TCP) return dam_parse_tcp(data, data_end, extent, packet);
  if (protocol == (packet->family == 4 ? DAM_PROTOCOL_ICMP : DAM_PROTOCOL_ICMPV6)) {
    return dam_parse_icmp(packet);
  }
  packet->kind = DAM_KIND_OTHER_L4;
  return DAM_DROP_none;
}

/* Sets `end` from the length field of the IP header at `l3`. */
DAM_INLINE enum dam_drop_reason dam_parse_end(const uint8_t* data, const uint8_t* data_end,
                                              enum dam_parse_extent extent, uint32_t end,
                                              struct dam_packet* packet) {
  uint32_t bytes = (uint32_t)(data_end - data);
  if (end > bytes && extent == DAM_PARSE_WHOLE) return DAM_DROP_malformed;
  if (end > bytes) end = bytes;
  if (end > UINT16_MAX) return DAM_DROP_malformed;
  packet->end = (uint16_t)end;
  return DAM_DROP_none;
}

DAM_INLINE enum dam_drop_reason dam_parse_ipv4(const uint8_t* data, const uint8_t* data_end,
                                               enum dam_parse_extent extent, uint32_t l3,
                                               struct dam_packet* packet) {
  const uint8_t* ip = data + l3;
  if (ip + DAM_IPV4_BYTES > data_end) return DAM_DROP_malformed;
  uint32_t header = (uint32_t)(ip[0] & 15) * 4;
  uint32_t total = dam_load_be16(ip + 2);
  if (ip[0] >> 4 != 4 || header < DAM_IPV4_BYTES) return DAM_DROP_malformed;
  packet->family = 4;
  packet->ecn = ip[1] & 3;
  packet->src = dam_address_v4(dam_load32(ip + 12));
  packet->dst = dam_address_v4(dam_load32(ip + 16));
  if (dam_parse_end(data, data_end, extent, l3 + total, packet)) return DAM_DROP_malformed;
  if (dam_load_be16(ip + 6) & 0x3fff) return DAM_DROP_fragment; /* more fragments, or an offset */
  return dam_parse_l4(data, data_end, extent, l3 + header, ip[9], packet);
}

DAM_INLINE int dam_is_extension(uint8_t protocol) {
  return protocol == DAM_PROTOCOL_HOP_BY_HOP || protocol == DAM_PROTOCOL_ROUTING ||
         protocol == DAM_PROTOCOL_FRAGMENT || protocol == DAM_PROTOCOL_AH ||
         protocol == DAM_PROTOCOL_DESTINATION;
}

/* RFC 8200 4, RFC 4302 2: walks from *l4 to the first header that is no extension. A routing header
 * with segments left names another final destination: the dam is no such router. */
DAM_INLINE enum dam_drop_reason dam_skip_extensions(const uint8_t* data, const uint8_t* data_end,
                                                    uint32_t* l4, uint8_t* protocol) {
  for (int i = 0; i < DAM_MAX_EXTENSIONS && dam_is_extension(*protocol); i++) {
    const uint8_t* header = data + *l4;
    DAM_PIN(header);
    if (*l4 > DAM_OFFSET_MASK || header + 8 > data_end) return DAM_DROP_malformed;
    if (*protocol == DAM_PROTOCOL_FRAGMENT) return DAM_DROP_fragment;
    if (*protocol == DAM_PROTOCOL_ROUTING && header[3] != 0) return DAM_DROP_malformed;
    uint32_t length = header[1];
    *l4 += *protocol == DAM_PROTOCOL_AH ? (length + 2) * 4 : (length + 1) * 8;
    *protocol = header[0];
  }
  return dam_is_extension(*protocol) ? DAM_DROP_malformed : DAM_DROP_none;
}

DAM_INLINE enum dam_drop_reason dam_parse_ipv6(const uint8_t* data, const uint8_t* data_end,
                                               enum dam_parse_extent extent, uint32_t l3,
                                               struct dam_packet* packet) {
  const uint8_t* ip = data + l3;
  if (ip + DAM_IPV6_BYTES > data_end || ip[0] >> 4 != 6) return DAM_DROP_malformed;
  packet->family = 6;
  packet->ecn = ip[1] >> 4 & 3;
  packet->src = dam_load_address(ip + 8);
  packet->dst = dam_load_address(ip + 24);
  /* A mapped address on the wire would pass for IPv4 everywhere behind this line. */
  if (dam_address_is_v4(&packet->src) || dam_address_is_v4(&packet->dst)) return DAM_DROP_malformed;
  uint32_t l4 = l3 + DAM_IPV6_BYTES;
  uint8_t protocol = ip[6];
  if (dam_parse_end(data, data_end, extent, l4 + dam_load_be16(ip + 4), packet)) {
    return DAM_DROP_malformed;
  }
  if (dam_is_extension(protocol)) {
    enum dam_drop_reason reason = dam_skip_extensions(data, data_end, &l4, &protocol);
    if (reason != DAM_DROP_none) return reason;
  }
  return dam_parse_l4(data, data_end, extent, l4, protocol, packet);
}

#ifndef __bpf__
/* Nearly every packet: no tag, IPv4 without options and whole, TCP. A few words are compared, and
 * each field is written once. 0, with nothing written, when it is not so, or not right: then the
 * long way says what it is. */
DAM_INLINE int dam_parse_usual(const uint8_t* data, const uint8_t* data_end,
                               struct dam_packet* packet) {
  enum { L3 = 14, L4 = 34, LEAST = 54 };
  const uint32_t bytes = (uint32_t)(data_end - data);
  if (bytes < LEAST) return 0;
  if ((dam_load32(data + 12) & 0xffffff) != 0x450008) return 0; /* ether type, version, length */
  if ((dam_load32(data + 20) & 0xff00ff3f) != 0x06000000) return 0; /* no fragment; TCP */
  const uint32_t end = L3 + (uint32_t)dam_load_be16(data + 16);
  const uint32_t payload = L4 + (uint32_t)(data[46] >> 4) * 4;
  if (payload < LEAST || payload > end || end > bytes || end > UINT16_MAX) return 0;
  packet->src = dam_address_v4(dam_load32(data + 26));
  packet->dst = dam_address_v4(dam_load32(data + 30));
  packet->src_port.raw = dam_load16(data + 34);
  packet->dst_port.raw = dam_load16(data + 36);
  packet->seq.value = dam_load_be32(data + 38);
  packet->ack.value = dam_load_be32(data + 42);
  packet->window = dam_load_be16(data + 48);
  packet->l3 = L3;
  packet->l4 = L4;
  packet->payload = (uint16_t)payload;
  packet->payload_bytes = (uint16_t)(end - payload);
  packet->end = (uint16_t)end;
  packet->vlan = DAM_VLAN_NONE;
  packet->kind = DAM_KIND_TCP;
  packet->family = 4;
  packet->tcp_flags = data[47];
  packet->ecn = data[15] & 3;
  packet->reserved = 0;
  return 1;
}
#endif

/* Parses a frame of [data, data_end). Returns DAM_DROP_none, DAM_DROP_malformed or
 * DAM_DROP_fragment; with the latter, family, l3 and the addresses are set (the host may want the
 * packet). One VLAN tag is read; a priority tag (id 0) counts as none, though l3 lies behind it. A
 * second tag makes the frame DAM_KIND_OTHER: reading through it would let a sender hop between
 * VLANs.
 * In BPF keep `packet` in a map value: then the verifier need not follow each path of the parser
 * through all that comes behind it. */
DAM_INLINE enum dam_drop_reason dam_parse(const uint8_t* data, const uint8_t* data_end,
                                          struct dam_packet* packet) {
  uint32_t l3 = DAM_ETHERNET_BYTES;
#ifndef __bpf__
  if (dam_parse_usual(data, data_end, packet)) return DAM_DROP_none;
#endif
  __builtin_memset(packet, 0, sizeof(*packet));
  packet->vlan = DAM_VLAN_NONE;
  if (data + DAM_ETHERNET_BYTES > data_end) return DAM_DROP_malformed;
  uint16_t ether_type = dam_load_be16(data + 12);
  if (ether_type == DAM_ETHER_VLAN) {
    if (data + DAM_ETHERNET_BYTES + DAM_VLAN_BYTES > data_end) return DAM_DROP_malformed;
    uint16_t vlan = dam_load_be16(data + 14) & 0xfff;
    if (vlan != 0) packet->vlan = vlan;
    ether_type = dam_load_be16(data + 16);
    l3 += DAM_VLAN_BYTES;
  }
  packet->l3 = (uint16_t)l3;
  if (ether_type == DAM_ETHER_IPV4) {
    return dam_parse_ipv4(data, data_end, DAM_PARSE_WHOLE, l3, packet);
  }
  if (ether_type == DAM_ETHER_IPV6) {
    return dam_parse_ipv6(data, data_end, DAM_PARSE_WHOLE, l3, packet);
  }
  if (ether_type == DAM_ETHER_ARP) packet->kind = DAM_KIND_ARP;
  return dam_parse_end(data, data_end, DAM_PARSE_QUOTED, UINT16_MAX, packet);
}

/* Parses the packet quoted in an ICMP error, from its IP header `l3` on; offsets count from there.
 * Only 8 octets of TCP are sure: `ack`, `tcp_flags` and `window` are 0 unless end - l4 >= 20. */
DAM_INLINE enum dam_drop_reason dam_parse_embedded(const uint8_t* l3, const uint8_t* end,
                                                   struct dam_packet* packet) {
  __builtin_memset(packet, 0, sizeof(*packet));
  packet->vlan = DAM_VLAN_NONE;
  if (l3 + 1 > end) return DAM_DROP_malformed;
  if (*l3 >> 4 == 4) return dam_parse_ipv4(l3, end, DAM_PARSE_QUOTED, 0, packet);
  return dam_parse_ipv6(l3, end, DAM_PARSE_QUOTED, 0, packet);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame is, once parsed, and the numbers that headers are made of. */
#ifndef DAM_CORE_PACKET_TYPES_H
#define DAM_CORE_PACKET_TYPES_H

#include "dataplane/core/types.h"

/* RFC 9293 3.1: the control bits of octet 13. */
enum dam_tcp_flags {
  DAM_TCP_FIN = 0x01,
  DAM_TCP_SYN = 0x02,
  DAM_TCP_RST = 0x04,
  DAM_TCP_PSH = 0x08,
  DAM_TCP_ACK = 0x10,
  DAM_TCP_URG = 0x20,
  DAM_TCP_ECE = 0x40,
  DAM_TCP_CWR = 0x80
};

enum dam_packet_kind {
  DAM_KIND_OTHER = 0, /* an ether type that the dam does not read */
  DAM_KIND_ARP,
  DAM_KIND_TCP,
  DAM_KIND_ICMP, /* ICMP or ICMPv6, by `family` */
  DAM_KIND_OTHER_L4
};

enum { DAM_VLAN_NONE = 0xffff, DAM_ETHERNET_BYTES = 14, DAM_VLAN_BYTES = 4 };
enum { DAM_IPV4_BYTES = 20, DAM_IPV6_BYTES = 40, DAM_TCP_BYTES = 20, DAM_ICMP_BYTES = 8 };

enum dam_ether_type {
  DAM_ETHER_IPV4 = 0x0800,
  DAM_ETHER_ARP = 0x0806,
  DAM_ETHER_VLAN = 0x8100,
  DAM_ETHER_IPV6 = 0x86dd
};

enum dam_protocol {
  DAM_PROTOCOL_HOP_BY_HOP = 0,
  DAM_PROTOCOL_ICMP = 1,
  DAM_PROTOCOL_TCP = 6,
  DAM_PROTOCOL_ROUTING = 43,
  DAM_PROTOCOL_FRAGMENT = 44,
  DAM_PROTOCOL_AH = 51,
  DAM_PROTOCOL_ICMPV6 = 58,
  DAM_PROTOCOL_DESTINATION = 60
};

enum {
  DAM_MAX_EXTENSIONS = 6, /* IPv6 extension headers of one packet; more are malformed */
  /* No header of interest starts behind this offset (real ones lie within 150 octets; others are
   * malformed). The BPF verifier wants to see the bound: `offset & mask` changes no valid offset.
   */
  DAM_OFFSET_MASK = 0x3ff
};

/* Offsets count from the first byte of the frame. */
struct dam_packet {
  dam_address src;
  dam_address dst;
  dam_be16 src_port; /* TCP only */
  dam_be16 dst_port;
  dam_seq seq; /* TCP only, host order */
  dam_seq ack;
  uint16_t window;        /* the field as sent, unscaled, host order */
  uint16_t l3;            /* offset of the IP (or ARP) header */
  uint16_t l4;            /* offset of the TCP or ICMP header */
  uint16_t payload;       /* offset behind the TCP header, or behind 8 octets of ICMP */
  uint16_t payload_bytes; /* from there to `end` */
  uint16_t end;           /* offset behind the IP packet: link-layer padding is not counted */
  uint16_t vlan;          /* VLAN identifier, or DAM_VLAN_NONE */
  uint8_t kind;           /* enum dam_packet_kind */
  uint8_t family;         /* 4, 6, or 0 */
  uint8_t tcp_flags;      /* enum dam_tcp_flags */
  uint8_t ecn;            /* the ECN bits of the IP header */
  uint16_t reserved;
};

DAM_INLINE int dam_ip_bytes(uint32_t family) {
  return family == 4 ? DAM_IPV4_BYTES : DAM_IPV6_BYTES;
}

#endif

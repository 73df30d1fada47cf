/* SPDX-License-Identifier: BSD-3-Clause */
/* What one frame is: the result of parsing Ethernet, VLAN, IPv4/IPv6, TCP and ICMP headers. */
#ifndef DAM_CORE_PACKET_H
#define DAM_CORE_PACKET_H

#include "dataplane/core/drop_reason.h"
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
  DAM_KIND_ICMP,  /* ICMP or ICMPv6, by `family` */
  DAM_KIND_OTHER_L4
};

enum { DAM_VLAN_NONE = 0xffff, DAM_ETHERNET_BYTES = 14, DAM_VLAN_BYTES = 4 };

/* Offsets count from the first byte of the frame. */
struct dam_packet {
  dam_address src;
  dam_address dst;
  dam_be16 src_port; /* TCP only */
  dam_be16 dst_port;
  dam_seq seq; /* TCP only, host order */
  dam_seq ack;
  uint16_t window;         /* the field as sent, unscaled, host order */
  uint16_t l3;             /* offset of the IP (or ARP) header */
  uint16_t l4;             /* offset of the TCP or ICMP header */
  uint16_t payload;        /* offset of the TCP payload */
  uint16_t payload_bytes;  /* length of the TCP payload */
  uint16_t end;            /* offset behind the IP packet: link-layer padding is not counted */
  uint16_t vlan;           /* VLAN identifier, or DAM_VLAN_NONE */
  uint8_t kind;            /* enum dam_packet_kind */
  uint8_t family;          /* 4, 6, or 0 */
  uint8_t tcp_flags;       /* enum dam_tcp_flags */
  uint8_t ecn;             /* the ECN bits of the IP header */
};

/* Parses a frame of [data, data_end). Returns DAM_DROP_none, DAM_DROP_malformed or DAM_DROP_fragment. */
DAM_INLINE enum dam_drop_reason dam_parse(const uint8_t* data, const uint8_t* data_end,
                                          struct dam_packet* packet);

#endif

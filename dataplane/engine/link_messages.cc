// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/link_messages.h"

#include <cstring>

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"

namespace dam {

namespace {

// Ethernet, and the interface's VLAN tag; gives the offset behind it.
uint16_t write_link(uint8_t* data, const Interface& interface, const MacAddress& dst,
                    uint16_t ether_type) {
  std::memcpy(data, dst.data(), 6);
  std::memcpy(data + 6, interface.mac.data(), 6);
  if (interface.vlan == DAM_VLAN_NONE) {
    dam_store_be16(data + 12, ether_type);
    return DAM_ETHERNET_BYTES;
  }
  dam_store_be16(data + 12, DAM_ETHER_VLAN);
  dam_store_be16(data + 14, interface.vlan);
  dam_store_be16(data + 16, ether_type);
  return DAM_ETHERNET_BYTES + DAM_VLAN_BYTES;
}

void write_ipv6(uint8_t* ip, const NdpMessage& message, uint16_t payload_bytes) {
  dam_store_be32(ip, 6u << 28);
  dam_store_be16(ip + 4, payload_bytes);
  ip[6] = DAM_PROTOCOL_ICMPV6;
  ip[7] = kNdpHopLimit;
  std::memcpy(ip + 8, &message.src, 16);
  std::memcpy(ip + 24, &message.dst, 16);
}

dam_address from_bytes(const uint8_t (&bytes)[16]) {
  dam_address address;
  std::memcpy(&address, bytes, 16);
  return address;
}

}  // namespace

void write_arp(Frame& frame, const Interface& interface, const ArpMessage& message) {
  const uint16_t l3 = write_link(frame.data, interface, message.ethernet_dst, DAM_ETHER_ARP);
  uint8_t* arp = frame.data + l3;
  dam_store_be16(arp, 1);  // Ethernet
  dam_store_be16(arp + 2, DAM_ETHER_IPV4);
  arp[4] = 6;
  arp[5] = 4;
  dam_store_be16(arp + 6, message.operation);
  std::memcpy(arp + 8, interface.mac.data(), 6);
  dam_store32(arp + 14, message.sender.word[3]);
  std::memcpy(arp + 18, message.target_mac.data(), 6);
  dam_store32(arp + 24, message.target.word[3]);
  frame.bytes = static_cast<uint16_t>(l3 + kArpBytes);
  frame.port = interface.port;
}

void write_ndp(Frame& frame, const Interface& interface, const NdpMessage& message) {
  constexpr uint16_t kIcmpBytes = kNdpBytes + kNdpOptionBytes;
  dam_packet packet{};
  packet.family = 6;
  packet.l3 = write_link(frame.data, interface, message.ethernet_dst, DAM_ETHER_IPV6);
  packet.l4 = static_cast<uint16_t>(packet.l3 + DAM_IPV6_BYTES);
  packet.end = static_cast<uint16_t>(packet.l4 + kIcmpBytes);
  write_ipv6(frame.data + packet.l3, message, kIcmpBytes);
  uint8_t* icmp = frame.data + packet.l4;
  dam_store32(icmp, message.type);  // code 0; the checksum follows
  dam_store_be32(icmp + 4, message.flags);
  std::memcpy(icmp + 8, &message.target, 16);
  uint8_t* option = icmp + kNdpBytes;
  option[0] = message.type == kNeighbourSolicitation ? kNdpSourceOption : kNdpTargetOption;
  option[1] = 1;  // in units of 8 bytes
  std::memcpy(option + 2, interface.mac.data(), 6);
  dam_checksum_icmp_set(frame.data, &packet);
  frame.bytes = packet.end;
  frame.port = interface.port;
}

dam_address all_nodes() {
  return from_bytes({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

dam_address solicited_node(const dam_address& address) {
  uint8_t bytes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::memcpy(bytes + 13, reinterpret_cast<const uint8_t*>(&address) + 13, 3);
  return from_bytes(bytes);
}

MacAddress multicast_mac(const dam_address& address) {
  MacAddress mac = {0x33, 0x33};
  std::memcpy(mac.data() + 2, &address.word[3], 4);
  return mac;
}

bool is_multicast_v6(const dam_address& address) {
  return *reinterpret_cast<const uint8_t*>(&address) == 0xff;
}

bool is_unspecified(const dam_address& address) {
  if (address.word[3] != 0) return false;
  return dam_address_is_v4(&address) || (address.word[0] | address.word[1] | address.word[2]) == 0;
}

}  // namespace dam

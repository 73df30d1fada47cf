// SPDX-License-Identifier: BSD-3-Clause
// What the dam says when others of its links ask for it: ARP, neighbour discovery, echo.
#include <algorithm>
#include <cstring>

#include "dataplane/core/answer.h"
#include "dataplane/core/checksum.h"
#include "dataplane/engine/link_messages.h"
#include "dataplane/engine/neighbours.h"

namespace dam {

namespace {

constexpr uint8_t kEchoRequestV4 = 8;
constexpr uint8_t kEchoRequestV6 = 128;
constexpr uint8_t kEchoReplyV4 = 0;
constexpr uint8_t kEchoReplyV6 = 129;
constexpr uint8_t kEchoHopLimit = 64;

bool take(Frame& frame, Output& output) {
  output.dropped.add(frame);
  return true;
}

// An answer may be longer than its solicitation, by an option at most: the headroom has room.
void make_room(Frame& frame) {
  if (frame.bytes >= kLinkMessageBytes) return;
  static_assert(kNdpOptionBytes + DAM_VLAN_BYTES <= kHeadroom);
  frame.data -= kLinkMessageBytes - frame.bytes;
  frame.bytes = kLinkMessageBytes;
}

MacAddress mac_at(const uint8_t* p) {
  MacAddress mac;
  std::memcpy(mac.data(), p, 6);
  return mac;
}

// A neighbour discovery message that passed the checks of RFC 4861 7.1.
struct Discovery {
  dam_address target{};
  const uint8_t* link_address = nullptr;  // from the option that fits the type
};

// False: an option is broken.
bool read_options(const uint8_t* p, const uint8_t* end, uint8_t wanted, Discovery& discovery) {
  while (p < end) {
    if (end - p < 2 || p[1] == 0 || p + p[1] * 8 > end) return false;
    if (p[0] == wanted && p[1] == 1) discovery.link_address = p + 2;
    p += p[1] * 8;
  }
  return true;
}

bool read_discovery(const Frame& frame, const dam_packet& packet, uint8_t option,
                    Discovery& discovery) {
  const uint8_t* ip = frame.data + packet.l3;
  const uint8_t* icmp = frame.data + packet.l4;
  if (ip[7] != kNdpHopLimit || icmp[1] != 0 || packet.end - packet.l4 < kNdpBytes) return false;
  if (!dam_checksum_icmp_valid(frame.data, &packet)) return false;
  std::memcpy(&discovery.target, icmp + 8, 16);
  if (is_multicast_v6(discovery.target) || dam_address_is_v4(&discovery.target)) return false;
  return read_options(icmp + kNdpBytes, frame.data + packet.end, option, discovery);
}

// RFC 4861 7.1.1: who has no address yet asks the solicited-node group, and names no link address.
bool is_proper_solicitation(const dam_packet& packet, const Discovery& discovery) {
  const dam_address group = solicited_node(discovery.target);
  const bool to_group = dam_address_equal(&packet.dst, &group) != 0;
  if (!to_group && is_multicast_v6(packet.dst)) return false;
  return !is_unspecified(packet.src) || (to_group && discovery.link_address == nullptr);
}

bool is_echo_request(const Frame& frame, const dam_packet& packet) {
  const uint8_t* icmp = frame.data + packet.l4;
  return icmp[0] == (packet.family == 4 ? kEchoRequestV4 : kEchoRequestV6) && icmp[1] == 0;
}

void turn_echo(Frame& frame, const dam_packet& packet, const MacAddress& own) {
  std::memcpy(frame.data, frame.data + 6, 6);
  std::memcpy(frame.data + 6, own.data(), 6);
  uint8_t* ip = frame.data + packet.l3;
  if (packet.family == 4) {
    std::swap_ranges(ip + 12, ip + 16, ip + 16);
    ip[8] = kEchoHopLimit;
    dam_checksum_ipv4_set(ip);
  } else {
    std::swap_ranges(ip + 8, ip + 24, ip + 24);
    ip[7] = kEchoHopLimit;
  }
  frame.data[packet.l4] = packet.family == 4 ? kEchoReplyV4 : kEchoReplyV6;
  dam_checksum_icmp_set(frame.data, &packet);
  frame.bytes = packet.end;
}

// RFC 1122 3.2.2.6, RFC 4443 4.2: an echo goes back to one host.
bool may_answer_echo(const Frame& frame, const dam_packet& packet) {
  const uint8_t* source = frame.data + packet.l3 + 12;  // IPv4
  const bool broadcast = packet.family == 4 && (source[0] >= 224 || source[0] == 0);
  const bool group = packet.family == 6 && is_multicast_v6(packet.src);
  return !broadcast && !group && !is_unspecified(packet.src) && (frame.data[0] & 1) == 0 &&
         (frame.data[6] & 1) == 0 && dam_checksum_icmp_valid(frame.data, &packet);
}

}  // namespace

bool Neighbours::may_be_source(const dam_address& address) const {
  if (is_own(address) || !dam_is_unicast(&address)) return false;
  return !dam_address_is_v4(&address) || !is_broadcast_v4(address);
}

// The last address of an IPv4 subnet.
bool Neighbours::is_broadcast_v4(const dam_address& address) const {
  return std::any_of(on_link_v4_.begin(), on_link_v4_.end(), [&](const LinkV4& link) {
    return link.has_broadcast && address.word[3] == link.last;
  });
}

bool Neighbours::handle(Frame& frame, const dam_packet& packet, uint64_t now_ns, Output& output) {
  if (packet.kind == DAM_KIND_ARP) return handle_arp(frame, packet, now_ns, output);
  if (packet.kind != DAM_KIND_ICMP) return false;
  if (is_echo_request(frame, packet)) return handle_echo(frame, packet, output);
  const uint8_t type = frame.data[packet.l4];
  const bool discovery = type == kNeighbourSolicitation || type == kNeighbourAdvertisement;
  if (packet.family != 6 || !discovery) return false;
  const uint16_t interface = interface_of(frame.port, packet.vlan);
  if (interface == NextHop::kNone || packet.l4 != packet.l3 + DAM_IPV6_BYTES) return false;
  return type == kNeighbourSolicitation
             ? handle_solicitation(frame, packet, interface, now_ns, output)
             : handle_advertisement(frame, packet, interface, now_ns, output);
}

bool Neighbours::handle_arp(Frame& frame, const dam_packet& packet, uint64_t now_ns,
                            Output& output) {
  const uint16_t interface = interface_of(frame.port, packet.vlan);
  if (interface == NextHop::kNone) return false;
  const uint8_t* arp = frame.data + packet.l3;
  if (frame.bytes < packet.l3 + kArpBytes || dam_load_be16(arp) != 1 ||
      dam_load_be16(arp + 2) != DAM_ETHER_IPV4 || arp[4] != 6 || arp[5] != 4) {
    return false;
  }
  const uint16_t operation = dam_load_be16(arp + 6);
  const MacAddress sender_mac = mac_at(arp + 8);
  const dam_address sender = dam_address_v4(dam_load32(arp + 14));
  const dam_address target = dam_address_v4(dam_load32(arp + 24));
  Learned learned = Learned::stranger;
  if (!is_own(sender)) learned = learn(interface, sender, sender_mac.data(), true, now_ns);
  if (operation == kArpReply) {
    return learned == Learned::answer && !interfaces_[interface].host_path && take(frame, output);
  }
  if (operation != kArpRequest || is_own(sender) || !owns(interface, target)) return false;
  write_arp(frame, interfaces_[interface], {kArpReply, sender_mac, target, sender_mac, sender});
  output.urgent.add(frame);
  return true;
}

// Who asks for one of our addresses hears our link address; who is a neighbour tells its own by it.
bool Neighbours::handle_solicitation(Frame& frame, const dam_packet& packet, uint16_t interface,
                                     uint64_t now_ns, Output& output) {
  Discovery discovery;
  if (!read_discovery(frame, packet, kNdpSourceOption, discovery)) return take(frame, output);
  if (!is_proper_solicitation(packet, discovery)) return take(frame, output);
  if (is_own(packet.src)) return take(frame, output);
  if (discovery.link_address != nullptr) {
    learn(interface, packet.src, discovery.link_address, true, now_ns);
  }
  if (!owns(interface, discovery.target)) return false;
  NdpMessage answer;
  answer.type = kNeighbourAdvertisement;
  answer.src = discovery.target;
  answer.target = discovery.target;
  if (is_unspecified(packet.src)) {
    answer.flags = kNdpOverride;
    answer.dst = all_nodes();
    answer.ethernet_dst = multicast_mac(answer.dst);
  } else {
    answer.flags = kNdpOverride | kNdpSolicited;
    answer.dst = packet.src;
    const bool named = discovery.link_address != nullptr;
    answer.ethernet_dst = mac_at(named ? discovery.link_address : frame.data + 6);
  }
  make_room(frame);
  write_ndp(frame, interfaces_[interface], answer);
  output.urgent.add(frame);
  return true;
}

bool Neighbours::handle_advertisement(Frame& frame, const dam_packet& packet, uint16_t interface,
                                      uint64_t now_ns, Output& output) {
  Discovery discovery;
  if (!read_discovery(frame, packet, kNdpTargetOption, discovery)) return take(frame, output);
  const uint32_t flags = dam_load_be32(frame.data + packet.l4 + 4);
  const bool solicited = (flags & kNdpSolicited) != 0;
  if (solicited && is_multicast_v6(packet.dst)) return take(frame, output);  // RFC 4861 7.1.2
  const uint16_t neighbour = find(interface, discovery.target);
  if (neighbour == NextHop::kNone) return false;
  bool answer = false;
  if (discovery.link_address != nullptr) {
    const bool override = (flags & kNdpOverride) != 0;
    answer = learn(interface, discovery.target, discovery.link_address, override, now_ns) ==
             Learned::answer;
  } else if (solicited) {
    answer = confirm(neighbour, now_ns);
  }
  return answer && !interfaces_[interface].host_path && take(frame, output);
}

bool Neighbours::handle_echo(Frame& frame, const dam_packet& packet, Output& output) const {
  if (!is_own(packet.dst)) return false;
  const uint16_t interface = interface_of(frame.port, packet.vlan);
  // Options and extension headers would have to be turned round too: nobody needs that.
  const bool plain = packet.l4 - packet.l3 == dam_ip_bytes(packet.family);
  if (interface == NextHop::kNone || !plain || !may_answer_echo(frame, packet)) {
    return take(frame, output);
  }
  turn_echo(frame, packet, interfaces_[interface].mac);
  output.normal.add(frame);
  return true;
}

}  // namespace dam

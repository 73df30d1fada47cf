// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"
#include "tests/parity/conversations.h"

namespace dam::test {
namespace {

void insert_tag(std::vector<uint8_t>& frame, uint16_t vlan) {
  const uint8_t tag[4] = {0x81, 0, static_cast<uint8_t>(vlan >> 8), static_cast<uint8_t>(vlan)};
  frame.insert(frame.begin() + 12, tag, tag + 4);
}

void renew_checksums(std::vector<uint8_t>& frame) {
  dam_packet packet{};
  if (dam_parse(frame.data(), frame.data() + frame.size(), &packet) != DAM_DROP_none) return;
  if (packet.family == 4) dam_checksum_ipv4_set(frame.data() + packet.l3);
  if (packet.kind == DAM_KIND_TCP) dam_checksum_tcp_set(frame.data(), &packet);
  if (packet.kind == DAM_KIND_ICMP) dam_checksum_icmp_set(frame.data(), &packet);
}

// The IP header, if one lies where it should.
uint8_t* ip_of(std::vector<uint8_t>& frame, uint8_t& family) {
  dam_packet packet{};
  (void)dam_parse(frame.data(), frame.data() + frame.size(), &packet);
  family = packet.family;
  return frame.data() + packet.l3;
}

void set_hop_limit(std::vector<uint8_t>& frame, uint8_t hops) {
  uint8_t family = 0;
  uint8_t* ip = ip_of(frame, family);
  if (family != 0) ip[family == 4 ? 8 : 7] = hops;
  renew_checksums(frame);
}

// RFC 8200 4.5 for IPv6: a header of its own, before the segment.
void fragment(Dice& dice, std::vector<uint8_t>& frame) {
  uint8_t family = 0;
  uint8_t* ip = ip_of(frame, family);
  if (family == 4) {
    dam_store_be16(ip + 6, dice.of<uint16_t>({0x2000, 0x0001, 0x4000, 0x8000, 0x1fff}));
    dam_checksum_ipv4_set(ip);
  } else if (family == 6) {
    const uint8_t header[8] = {ip[6], 0, 0, dice.of<uint8_t>({1, 8, 0}), 1, 2, 3, 4};
    dam_store_be16(ip + 4, static_cast<uint16_t>(dam_load_be16(ip + 4) + 8));
    ip[6] = dice.of<uint8_t>({DAM_PROTOCOL_FRAGMENT, DAM_PROTOCOL_DESTINATION});
    frame.insert(frame.begin() + (ip + DAM_IPV6_BYTES - frame.data()), header, header + 8);
  }
}

void other_source(Dice& dice, std::vector<uint8_t>& frame) {
  uint8_t family = 0;
  uint8_t* ip = ip_of(frame, family);
  if (family == 4) {
    const dam_address bad = dice.of({v4(224, 0, 0, 1), v4(127, 0, 0, 1), v4(0, 0, 0, 0), kPublic,
                                     v4(198, 18, 0, 255), v4(198, 18, 10, 77), kServiceServer});
    dam_store32(ip + 12, bad.word[3]);
  } else if (family == 6) {
    const dam_address multicast{{0xff, 0, 0, 0x01000000}}, nobody{};
    const dam_address bad = dice.of({multicast, nobody, kPublicV6, v6(0x10, 77)});
    std::copy_n(reinterpret_cast<const uint8_t*>(&bad), 16, ip + 8);
  }
  renew_checksums(frame);
}

void set_vlan(Dice& dice, std::vector<uint8_t>& frame) {
  const bool tagged = dam_load_be16(frame.data() + 12) == DAM_ETHER_VLAN;
  if (tagged && dice.one_in(2)) {
    frame.erase(frame.begin() + 12, frame.begin() + 16);
  } else {
    insert_tag(frame, dice.of<uint16_t>({0, 7, kManagementVlan, 0xe014}));
  }
}

}  // namespace

void twist_frame(Twist twist, Dice& dice, uint8_t& port, std::vector<uint8_t>& frame) {
  const auto size = static_cast<uint32_t>(frame.size());
  const uint32_t at = 12 + dice.below(std::min(size, 120u) - 12);
  switch (twist) {
    case Twist::none:
    case Twist::count:
      return;
    case Twist::bit:
      frame[at] ^= static_cast<uint8_t>(1u << dice.below(8));
      return;
    case Twist::cut:
      frame.resize(14 + dice.below(size - 13));
      return;
    case Twist::padding:
      frame.resize(size + 1 + dice.below(40), 0x5a);
      return;
    case Twist::other_link:
      port = static_cast<uint8_t>((port + 1 + dice.below(2)) % 3);
      frame[5] = port;
      return;
    case Twist::other_mac:
      frame[dice.below(6)] ^= 0x40;
      return;
    case Twist::vlan:
      return set_vlan(dice, frame);
    case Twist::hop_limit:
      return set_hop_limit(frame, dice.of<uint8_t>({0, 1, 2, 255}));
    case Twist::fragment:
      return fragment(dice, frame);
    case Twist::checksum:
      frame[size - 1] ^= 1;
      return;
    case Twist::octet:
      frame[at] = dice.of<uint8_t>({0, 1, 2, 5, 8, 10, 0x45, 0x80, 255, dice.of<uint8_t>({3, 77})});
      return renew_checksums(frame);
    case Twist::group_mac:
      frame[dice.of({0, 6})] |= 1;
      return;
    case Twist::bad_source:
      return other_source(dice, frame);
  }
}

}  // namespace dam::test

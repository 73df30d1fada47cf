// SPDX-License-Identifier: BSD-3-Clause
// Writes the TCP segments that the dam itself sends: SYN-ACK, SYN, ACK, RST, header and held bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/packet.h"
#include "dataplane/core/types.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/policy.h"

namespace dam {

struct Segment {
  dam_address src{};
  dam_address dst{};
  dam_be16 src_port{};
  dam_be16 dst_port{};
  dam_seq seq{};
  dam_seq ack{};
  uint16_t window = 0;
  uint8_t flags = 0;  // enum dam_tcp_flags
  // Options; those of a SYN are written when the flag is set.
  uint16_t mss = 0;     // 0: none
  uint8_t wscale = 15;  // 15: none
  bool sack_permitted = false;
  bool timestamps = false;
  uint32_t tsval = 0;
  uint32_t tsecr = 0;
  std::span<const uint8_t> payload{};
  std::span<const uint8_t> payload2{};  // goes behind payload
};

// Writes IP and TCP (checksums included) from frame.data + 14 on; the Ethernet header is send()'s.
// False: payload does not fit into kFrameBytes.
bool write_segment(Frame& frame, const Segment& segment);

// An interface as the packet path needs it.
struct LinkSide {
  uint64_t mac;  // in its first six bytes in memory, as in a Neighbours::mac_word; the others 0
  uint16_t mtu;
  uint16_t vlan;  // or DAM_VLAN_NONE
  uint8_t port;   // the driver's
};
inline constexpr uint64_t kMacMask = (uint64_t{1} << 48) - 1;

// Ethernet (and VLAN) header in front of the IP packet at `l3`; `mac_word` has the destination in
// its first six bytes. Gives where the frame begins.
inline uint8_t* write_ethernet(uint8_t* l3, const LinkSide& side, uint64_t mac_word,
                               uint8_t family) {
  const uint16_t type = dam_hton16(family == 4 ? DAM_ETHER_IPV4 : DAM_ETHER_IPV6).raw;
  const bool tagged = side.vlan != DAM_VLAN_NONE;
  uint8_t* const at = l3 - DAM_ETHERNET_BYTES - (tagged ? DAM_VLAN_BYTES : 0);
  dam_store64(at, mac_word);  // the last two bytes are the next field's
  dam_store64(at + 6, side.mac | uint64_t{type} << 48);
  if (tagged) [[unlikely]] {
    dam_store_be16(at + 12, DAM_ETHER_VLAN);
    dam_store_be16(at + 14, side.vlan);
    dam_store16(at + 16, type);
  }
  return at;
}

}  // namespace dam

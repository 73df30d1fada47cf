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

// Ethernet (and VLAN) header in front of the IP packet at `l3`; `mac_word` has the destination in
// its first six bytes. Gives where the frame begins.
inline uint8_t* write_ethernet(uint8_t* l3, const Interface& interface, uint64_t mac_word,
                               uint8_t family) {
  uint8_t* at = l3 - DAM_ETHERNET_BYTES;
  if (interface.vlan != DAM_VLAN_NONE) {
    at -= DAM_VLAN_BYTES;
    dam_store_be16(at + 12, DAM_ETHER_VLAN);
    dam_store_be16(at + 14, interface.vlan);
  }
  dam_store64(at, mac_word);  // the last two bytes are the next field's
  std::memcpy(at + 6, interface.mac.data(), 6);
  dam_store_be16(l3 - 2, family == 4 ? DAM_ETHER_IPV4 : DAM_ETHER_IPV6);
  return at;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Writes the frames by which hosts of one link find each other: ARP (RFC 826) and neighbour
// discovery (RFC 4861), with their Ethernet and VLAN headers.
#pragma once

#include <cstdint>

#include "dataplane/core/types.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/policy.h"

namespace dam {

inline constexpr MacAddress kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

inline constexpr uint16_t kArpRequest = 1;
inline constexpr uint16_t kArpReply = 2;
inline constexpr uint16_t kArpBytes = 28;

struct ArpMessage {
  uint16_t operation = kArpRequest;
  MacAddress ethernet_dst{};
  dam_address sender{};  // of the dam; its MAC is the interface's
  MacAddress target_mac{};
  dam_address target{};
};

inline constexpr uint8_t kNeighbourSolicitation = 135;
inline constexpr uint8_t kNeighbourAdvertisement = 136;
inline constexpr uint32_t kNdpSolicited = 1u << 30;
inline constexpr uint32_t kNdpOverride = 1u << 29;
inline constexpr uint8_t kNdpSourceOption = 1;
inline constexpr uint8_t kNdpTargetOption = 2;
inline constexpr uint16_t kNdpBytes = 24;       // without options
inline constexpr uint16_t kNdpOptionBytes = 8;  // one link address
inline constexpr uint8_t kNdpHopLimit = 255;    // RFC 4861 11.2: nobody off the link can send this

struct NdpMessage {
  uint8_t type = kNeighbourSolicitation;
  uint32_t flags = 0;
  MacAddress ethernet_dst{};
  dam_address src{};
  dam_address dst{};
  dam_address target{};  // the interface's MAC goes into the option that fits the type
};

// The longest of these messages, with a VLAN tag.
inline constexpr uint16_t kLinkMessageBytes = 14 + 4 + 40 + kNdpBytes + kNdpOptionBytes;

// Both fill frame.data from its first byte (kLinkMessageBytes of room) and set bytes and port.
void write_arp(Frame& frame, const Interface& interface, const ArpMessage& message);
void write_ndp(Frame& frame, const Interface& interface, const NdpMessage& message);

dam_address all_nodes();                                 // ff02::1
dam_address solicited_node(const dam_address& address);  // RFC 4291 2.7.1
MacAddress multicast_mac(const dam_address& address);    // RFC 2464 7
bool is_multicast_v6(const dam_address& address);
bool is_unspecified(const dam_address& address);  // :: and 0.0.0.0

}  // namespace dam

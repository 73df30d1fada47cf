// SPDX-License-Identifier: BSD-3-Clause
// Frames with whatever a peer may write into them, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/types.h"

namespace dam::test {

struct WireSegment {
  dam_address src{}, dst{};
  uint16_t src_port = 0, dst_port = 0;
  uint32_t seq = 0, ack = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  uint8_t hop_limit = 64, traffic_class = 0;
  std::vector<uint8_t> options;  // a multiple of 4
  std::string payload;
};

// From the Ethernet header on, without link addresses; checksums hold.
std::vector<uint8_t> write_frame(const WireSegment& segment);
// An ICMP error about the IP packet in `quoted`, of which it holds so many octets.
std::vector<uint8_t> write_icmp_error(const dam_address& src, const dam_address& dst, uint8_t type,
                                      uint8_t code, const std::vector<uint8_t>& quoted,
                                      size_t octets);
// Anything else above IP.
std::vector<uint8_t> write_other(const dam_address& src, const dam_address& dst, uint8_t protocol,
                                 const std::vector<uint8_t>& octets);

}  // namespace dam::test

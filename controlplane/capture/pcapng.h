// SPDX-License-Identifier: BSD-3-Clause
// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, of Ethernet frames with
// times in nanoseconds. Written here, since no library of Debian 12 does it: libpcap only reads
// pcapng, DPDK's rte_pcapng wants mbufs and knows no comments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dam::control::pcapng {

// What wrote the file: on which machine, and what is in it.
struct Origin {
  std::string hardware, system, program, comment;
};
std::string section_header(const Origin& origin);
// The first that follows a section header is interface 0, and so on.
std::string interface_description(std::string_view name, uint32_t snap_bytes);

struct Packet {
  uint32_t interface = 0;
  uint64_t unix_ns = 0;
  uint32_t frame_bytes = 0;
  std::string_view octets;  // of the frame, the first
  std::string_view comment;
};
// Of a packet that came in.
std::string enhanced_packet(const Packet& packet);

}  // namespace dam::control::pcapng

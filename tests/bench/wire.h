// SPDX-License-Identifier: BSD-3-Clause
// Writes and reads the frames that the benchmarks' clients and servers exchange with the dam.
// Written apart from dataplane/core on purpose: a mistake there must not cancel itself out here.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace dam::bench {

using Mac = std::array<uint8_t, 6>;

struct TcpFields {
  uint32_t src = 0;  // IPv4, host order
  uint32_t dst = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;
  uint16_t window = 65535;
  std::span<const uint8_t> options{};  // a multiple of 4 bytes
  std::span<const uint8_t> payload{};
};

inline constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
inline constexpr uint16_t kTcpHeaders = 14 + 20 + 20;

inline uint32_t get32(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

// Ethernet, IPv4 and TCP with right checksums; gives the length of the frame.
uint16_t write_tcp(uint8_t* out, const Mac& dst, const Mac& src, const TcpFields& tcp);

// False: not IPv4 with TCP. Views point into `frame`.
bool read_tcp(std::span<const uint8_t> frame, TcpFields& tcp);

// The answer to an ARP request (RFC 826) for an IPv4 address; 0 when the frame is none.
uint16_t answer_arp(std::span<const uint8_t> frame, const Mac& mac, uint8_t* out);

}  // namespace dam::bench

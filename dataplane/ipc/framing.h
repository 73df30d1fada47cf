// SPDX-License-Identifier: BSD-3-Clause
// How messages lie on the control socket: a 32-bit little-endian length, then that many bytes.
#pragma once

#include <array>
#include <cstdint>

namespace dam {

inline constexpr uint32_t kLengthBytes = 4;
// An allow and a deny list, each as long as bounds.h lets it be, of IPv6 networks: 88 MiB.
inline constexpr uint32_t kMaxMessageBytes = 112u << 20;
inline constexpr uint32_t kProtocolVersion = 1;

inline std::array<char, kLengthBytes> put_length(uint32_t bytes) {
  return {static_cast<char>(bytes & 0xff), static_cast<char>(bytes >> 8 & 0xff),
          static_cast<char>(bytes >> 16 & 0xff), static_cast<char>(bytes >> 24)};
}

inline uint32_t get_length(const char* p) {
  const auto octet = [p](int i) { return static_cast<uint32_t>(static_cast<uint8_t>(p[i])); };
  return octet(0) | octet(1) << 8 | octet(2) << 16 | octet(3) << 24;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What the two sides of a connection say: each octet follows from who says it, and where it stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace dam::test {

// Octet `at` of what one side of a connection says.
inline uint8_t octet(uint32_t id, bool of_server, uint32_t at) {
  return static_cast<uint8_t>(id * 31 + at * 7 + (of_server ? 128 : 0));
}

inline std::string octets(uint32_t id, bool of_server, uint32_t from, uint32_t count) {
  std::string all;
  for (uint32_t i = 0; i < count; ++i) {
    all.push_back(static_cast<char>(octet(id, of_server, from + i)));
  }
  return all;
}

inline uint32_t count_wrong(std::span<const uint8_t> payload, uint32_t id, bool of_server,
                            uint32_t from) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < payload.size(); ++i)
    wrong += payload[i] != octet(id, of_server, from + i);
  return wrong;
}

inline std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace dam::test

// SPDX-License-Identifier: BSD-3-Clause
// The one spelling of a host name that routing compares: lower case, no dot at the end.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/engine/hello_status.h"

namespace dam {

// The lower-case form of each byte that a host name may hold, 0 for others. '_' is in names that
// resolve and are asked for, though RFC 1123 2.1 has none.
constexpr std::array<uint8_t, 256> make_host_bytes() {
  std::array<uint8_t, 256> table{};
  for (uint8_t c = '0'; c <= '9'; ++c) table[c] = c;
  for (uint8_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = c;
  for (uint8_t c : {uint8_t{'-'}, uint8_t{'_'}, uint8_t{'.'}}) table[c] = c;
  return table;
}
inline constexpr std::array<uint8_t, 256> kHostBytes = make_host_bytes();
inline constexpr uint32_t kMaxHostName = 253;  // RFC 1035 2.3.4: 255 octets on the wire
inline constexpr uint32_t kMaxLabel = 63;

// Writes the compared spelling of `name` to `out` and points `result` there. False: not a host
// name.
inline bool normalise_host_name(std::string_view name, std::span<uint8_t> out,
                                std::string_view& result) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxHostName || name.size() > out.size()) return false;
  uint32_t label = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    const uint8_t c = kHostBytes[static_cast<uint8_t>(name[i])];
    if (c == 0 || (c == '.' && label == 0)) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kMaxLabel) return false;
    out[i] = c;
  }
  result = {reinterpret_cast<const char*>(out.data()), name.size()};
  return label != 0;
}

// An IPv4 literal, or a name that might be read as one: no top-level domain is all digits.
inline bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Builds ClientHellos piece by piece, right or wrong on purpose (RFC 8446 4.1.2, 5.1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dam::test {

inline constexpr uint32_t kMaxHelloBytes = 16384;

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Bytes text(std::string_view s) { return {s.begin(), s.end()}; }
inline Bytes number(uint64_t value, int width) {
  Bytes out;
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
  return out;
}
// A vector behind its length of `width` bytes.
inline Bytes sized(int width, const Bytes& body) { return number(body.size(), width) + body; }

inline Bytes extension(uint16_t type, const Bytes& data) {
  return number(type, 2) + sized(2, data);
}
inline Bytes server_name(std::string_view name) {
  return extension(0, sized(2, Bytes{0} + sized(2, text(name))));
}
inline Bytes alpn_names(const std::vector<std::string_view>& names) {
  Bytes list;
  for (const std::string_view name : names) list = list + sized(1, text(name));
  return list;
}
inline Bytes alpn(const std::vector<std::string_view>& names) {
  return extension(16, sized(2, alpn_names(names)));
}
inline Bytes key_share(size_t bytes) {  // 1,216 for X25519MLKEM768
  return extension(51, sized(2, number(0x11ec, 2) + sized(2, Bytes(bytes, 0x5a))));
}

// The fields before the extensions.
struct Opening {
  uint16_t version = 0x0303;
  Bytes session_id = Bytes(32, 0x77);
  Bytes cipher_suites = number(0x13011302, 4);
  Bytes compression = {0};
};
inline Bytes opening(const Opening& o = {}) {
  return number(o.version, 2) + Bytes(32, 0xab) + sized(1, o.session_id) +
         sized(2, o.cipher_suites) + sized(1, o.compression);
}
// The handshake message of a body (type 1 and a 24-bit length in front).
inline Bytes message(const Bytes& body) { return Bytes{1} + sized(3, body); }
inline Bytes message_with(const Bytes& extensions) {
  return message(opening() + sized(2, extensions));
}
inline Bytes record(const Bytes& payload) { return Bytes{22, 3, 1} + sized(2, payload); }
// Cut into records of at most `bytes` payload bytes each.
inline Bytes records_of(const Bytes& message, size_t bytes) {
  Bytes out;
  for (size_t at = 0; at < message.size(); at += bytes) {
    const auto end = message.begin() + std::min(at + bytes, message.size());
    out = out + record(Bytes(message.begin() + at, end));
  }
  return out;
}
// Two records, the first with `first` payload bytes.
inline Bytes split_records(const Bytes& message, size_t first) {
  return record(Bytes(message.begin(), message.begin() + first)) +
         record(Bytes(message.begin() + first, message.end()));
}

}  // namespace dam::test

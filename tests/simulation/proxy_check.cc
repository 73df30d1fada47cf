// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/proxy_check.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <sstream>

namespace dam::simulation {

namespace {

using Is = ProxyHeader::Is;

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr uint8_t kTlvCrc = 3;

std::optional<dam_address> address_of(const std::string& text, bool v6) {
  uint8_t raw[16] = {};
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), raw) != 1) return std::nullopt;
  dam_address address{};
  if (v6) {
    std::memcpy(&address, raw, 16);
    return address;
  }
  uint32_t word = 0;
  std::memcpy(&word, raw, 4);
  return dam_address_v4(word);
}

ProxyHeader bad() {
  ProxyHeader header;
  header.is = Is::bad;
  return header;
}

ProxyHeader read_v1(std::string_view text) {
  const size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return text.size() < 107 ? ProxyHeader{} : bad();
  std::istringstream words{std::string(text.substr(0, end))};
  std::string proxy;
  std::string family;
  std::string from;
  std::string to;
  unsigned from_port = 0;
  unsigned to_port = 0;
  words >> proxy >> family >> from >> to >> from_port >> to_port;
  const bool v6 = family == "TCP6";
  const auto src = address_of(from, v6);
  const auto dst = address_of(to, v6);
  const std::string again = "PROXY " + family + " " + from + " " + to + " " +
                            std::to_string(from_port) + " " + std::to_string(to_port);
  if ((!v6 && family != "TCP4") || !src || !dst || again != text.substr(0, end)) return bad();
  ProxyHeader header;
  header.is = Is::whole;
  header.version = 1;
  header.bytes = static_cast<uint32_t>(end + 2);
  header.src = *src;
  header.dst = *dst;
  header.src_port = static_cast<uint16_t>(from_port);
  header.dst_port = static_cast<uint16_t>(to_port);
  return header;
}

uint32_t crc32c_of(std::span<const uint8_t> bytes) {
  uint32_t crc = ~0u;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  return ~crc;
}

bool read_tlvs(std::span<const uint8_t> bytes, size_t at, ProxyHeader& header) {
  while (at < header.bytes) {
    if (at + 3 > header.bytes) return false;
    const size_t length = load16(bytes.data() + at + 1);
    if (at + 3 + length > header.bytes) return false;
    const auto* value = reinterpret_cast<const char*>(bytes.data() + at + 3);
    if (!header.tlvs.emplace(bytes[at], std::string(value, length)).second) return false;
    if (bytes[at] == kTlvCrc) {
      if (length != 4) return false;
      Bytes zeroed(bytes.begin(), bytes.begin() + header.bytes);
      store32(zeroed.data() + at + 3, 0);
      if (crc32c_of(zeroed) != load32(bytes.data() + at + 3)) return false;
    }
    at += 3 + length;
  }
  return true;
}

ProxyHeader read_v2(std::span<const uint8_t> bytes) {
  ProxyHeader header;
  if (bytes.size() < 16) return header;
  header.bytes = 16u + load16(bytes.data() + 14);
  if (header.bytes > 536) return bad();
  if (bytes.size() < header.bytes) return header;
  const bool v6 = bytes[13] == 0x21;
  const size_t each = v6 ? 16 : 4;
  if (bytes[12] != 0x21 || (!v6 && bytes[13] != 0x11) || header.bytes < 16 + 2 * each + 4) {
    return bad();
  }
  const uint8_t* at = bytes.data() + 16;
  if (v6) {
    std::memcpy(&header.src, at, 16);
    std::memcpy(&header.dst, at + 16, 16);
  } else {
    uint32_t raw[2];
    std::memcpy(raw, at, 8);
    header.src = dam_address_v4(raw[0]);
    header.dst = dam_address_v4(raw[1]);
  }
  header.src_port = load16(at + 2 * each);
  header.dst_port = load16(at + 2 * each + 2);
  header.version = 2;
  header.is = Is::whole;
  return read_tlvs(bytes, 16 + 2 * each + 4, header) ? header : bad();
}

}  // namespace

ProxyHeader read_proxy_header(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return {};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view start = bytes[0] == 'P' ? "PROXY " : kSignature;
  const size_t seen = std::min(text.size(), start.size());
  if (text.substr(0, seen) != start.substr(0, seen)) return bad();
  if (seen < start.size()) return {};
  return bytes[0] == 'P' ? read_v1(text) : read_v2(bytes);
}

}  // namespace dam::simulation

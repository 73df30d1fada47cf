// SPDX-License-Identifier: BSD-3-Clause
// Frames as data: a spec is written to bytes with naive checksums, so that tests compare whole
// frames.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/packet.h"

namespace dam::test {

using Bytes = std::vector<uint8_t>;

// Where the bytes begin. Nothing may be added to a null pointer, so none of them begin behind a
// block of memory, where ASan sees every read.
inline uint8_t* start_of(Bytes& bytes) {
  static const auto block = std::make_unique<uint8_t>();
  return bytes.empty() ? block.get() + 1 : bytes.data();
}
inline const uint8_t* start_of(const Bytes& bytes) { return start_of(const_cast<Bytes&>(bytes)); }

// Properties run more often than RapidCheck's default, and the same way each time.
inline const int kPropertyRuns = setenv("RC_PARAMS", "max_success=1000 seed=20220711", 0);

// RFC 1071 word by word, nothing clever: the oracle for everything that touches checksums.
inline uint16_t naive_checksum(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint64_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += bytes[i + 1];
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

inline void put8(Bytes& out, uint64_t v) { out.push_back(static_cast<uint8_t>(v)); }
inline void put16(Bytes& out, uint64_t v) { put8(out, v >> 8), put8(out, v); }
inline void put32(Bytes& out, uint64_t v) { put16(out, v >> 16), put16(out, v); }
inline void put(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }
inline void set16(Bytes& out, size_t at, uint16_t v) {
  out[at] = static_cast<uint8_t>(v >> 8);
  out[at + 1] = static_cast<uint8_t>(v);
}

struct Option {
  uint8_t kind = 1;
  std::vector<uint32_t> words;  // of timestamps and SACK
  Bytes raw = {};               // of others: everything behind the length octet
};
inline Option nop() { return {1, {}}; }
inline Option timestamps(uint32_t val, uint32_t ecr) { return {8, {val, ecr}}; }
inline Option sack(std::vector<uint32_t> edges) { return {5, std::move(edges)}; }

inline Bytes write_options(const std::vector<Option>& options) {
  Bytes out;
  for (const Option& option : options) {
    put8(out, option.kind);
    if (option.kind <= 1) continue;
    put8(out, 2 + option.words.size() * 4 + option.raw.size());
    for (uint32_t word : option.words) put32(out, word);
    put(out, option.raw);
  }
  while (out.size() % 4) put8(out, 0);
  return out;
}

using Address = Bytes;  // 4 or 16 octets
inline Address octets_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return {a, b, c, d}; }
inline Address octets_v6(uint16_t subnet, uint16_t host) {
  Address a = {0x20, 0x01, 0x0d, 0xb8};
  put16(a, subnet);
  a.resize(14);
  put16(a, host);
  return a;
}
inline dam_address to_dam(const Address& a) {
  dam_address result{};
  if (a.size() == 16) {
    std::memcpy(&result, a.data(), 16);
    return result;
  }
  uint32_t raw;
  std::memcpy(&raw, a.data(), 4);
  return dam_address_v4(raw);
}

struct FrameSpec {
  std::vector<uint16_t> vlans;
  Address src = octets_v4(198, 51, 100, 7);
  Address dst = octets_v4(203, 0, 113, 1);
  Bytes ip_options;                                // IPv4, a multiple of 4
  std::vector<std::pair<uint8_t, Bytes>> headers;  // IPv6 extensions: type, octets (next is set)
  uint8_t traffic_class = 0;
  uint8_t ttl = 64;
  uint16_t fragment = 0;  // IPv4 flags and offset
  uint8_t protocol = 6;
  uint16_t src_port = 40000;
  uint16_t dst_port = 443;
  uint32_t seq = 1000;
  uint32_t ack = 2000;
  uint8_t flags = DAM_TCP_ACK;
  uint16_t window = 502;
  uint16_t urgent = 0;
  std::vector<Option> options;
  Bytes payload;
  Bytes padding;  // link-layer octets behind the packet

  int family() const { return src.size() == 4 ? 4 : 6; }
  size_t l3() const { return 14 + 4 * vlans.size(); }
  size_t l4() const {
    size_t at = l3() + (family() == 4 ? 20 + ip_options.size() : 40);
    for (const auto& [type, bytes] : headers) at += bytes.size();
    return at;
  }
};

inline Bytes write_tcp(const FrameSpec& spec) {
  Bytes out;
  const Bytes options = write_options(spec.options);
  put16(out, spec.src_port), put16(out, spec.dst_port);
  put32(out, spec.seq), put32(out, spec.ack);
  put8(out, (5 + options.size() / 4) << 4), put8(out, spec.flags);
  put16(out, spec.window), put16(out, 0), put16(out, spec.urgent);
  put(out, options), put(out, spec.payload);
  Bytes summed = spec.src;
  put(summed, spec.dst);
  put32(summed, out.size()), put32(summed, 6);
  put(summed, out);
  set16(out, 16, naive_checksum(summed));
  return out;
}

inline Bytes write_ipv4(const FrameSpec& spec, const Bytes& upper) {
  Bytes out;
  put8(out, 0x45 + spec.ip_options.size() / 4), put8(out, spec.traffic_class);
  put16(out, 20 + spec.ip_options.size() + upper.size());
  put16(out, 0x1234), put16(out, spec.fragment);
  put8(out, spec.ttl), put8(out, spec.protocol), put16(out, 0);
  put(out, spec.src), put(out, spec.dst), put(out, spec.ip_options);
  set16(out, 10, naive_checksum(out));
  put(out, upper);
  return out;
}

inline Bytes write_ipv6(const FrameSpec& spec, const Bytes& upper) {
  Bytes extensions;
  for (size_t i = 0; i < spec.headers.size(); ++i) {
    Bytes header = spec.headers[i].second;
    header[0] = i + 1 < spec.headers.size() ? spec.headers[i + 1].first : spec.protocol;
    put(extensions, header);
  }
  Bytes out;
  put32(out, 6u << 28 | static_cast<uint32_t>(spec.traffic_class) << 20 | 0x54321);
  put16(out, extensions.size() + upper.size());
  put8(out, spec.headers.empty() ? spec.protocol : spec.headers[0].first), put8(out, spec.ttl);
  put(out, spec.src), put(out, spec.dst), put(out, extensions), put(out, upper);
  return out;
}

// From the IP header on. For other protocols than TCP the payload is the whole upper layer.
inline Bytes write_ip(const FrameSpec& spec) {
  const Bytes upper = spec.protocol == 6 ? write_tcp(spec) : spec.payload;
  return spec.family() == 4 ? write_ipv4(spec, upper) : write_ipv6(spec, upper);
}

inline Bytes write_frame(const FrameSpec& spec) {
  Bytes out = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  for (uint16_t vlan : spec.vlans) put16(out, 0x8100), put16(out, vlan);
  put16(out, spec.family() == 4 ? 0x0800 : 0x86dd);
  put(out, write_ip(spec));
  put(out, spec.padding);
  out.shrink_to_fit();  // so that a sanitizer sees every octet read behind the end
  return out;
}

inline dam_drop_reason parse(const Bytes& frame, dam_packet* packet) {
  return dam_parse(start_of(frame), start_of(frame) + frame.size(), packet);
}

inline std::string hex(const Bytes& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string out;
  for (uint8_t b : bytes) out += digits[b >> 4], out += digits[b & 15];
  return out;
}

}  // namespace dam::test

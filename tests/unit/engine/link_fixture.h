// SPDX-License-Identifier: BSD-3-Clause
// A link with the dam on it, for tests: frames are handed in and looked at as bytes.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "dataplane/core/packet.h"
#include "dataplane/engine/neighbours.h"
#include "tests/unit/engine/address_of.h"

namespace dam {

using Bytes = std::vector<uint8_t>;

// Hardware addresses as the tests write them: the dam's, its peer's, and what ARP asks with and
// sends to.
inline const std::string kOwn = "020000000001", kPeer = "0200000000aa";
inline const std::string kNobody = "000000000000", kAll = "ffffffffffff";

inline Subnet subnet_of(const std::string& address, uint8_t bits) {
  const bool v4 = address.find(':') == std::string::npos;
  return {address_of(address), static_cast<uint8_t>(bits + (v4 ? 96 : 0))};
}

// Spares for one call, and what came out of it.
class Link {
 public:
  explicit Link(uint32_t spares = kSpares) { refill(spares); }

  void refill(uint32_t spares) {
    output.spare.count = 0;
    for (uint32_t i = 0; i < spares; ++i) output.spare.add(frame_of({}));
  }

  // A frame in memory of its own, with `room` bytes behind `data`.
  Frame frame_of(const Bytes& bytes, uint8_t port = 0, std::size_t room = kFrameBytes) {
    memory_.emplace_back(kHeadroom + room);
    Frame frame;
    frame.data = memory_.back().data() + kHeadroom;
    frame.bytes = static_cast<uint16_t>(bytes.size());
    frame.port = port;
    std::copy(bytes.begin(), bytes.end(), frame.data);
    return frame;
  }

  // Hands a frame in; true when it was taken. Nothing may be written behind it: the driver promises
  // no room there.
  bool receive(Neighbours& neighbours, const Bytes& bytes, uint64_t now_ns, uint8_t port = 0) {
    constexpr std::size_t kGuard = 32;
    Frame frame = frame_of(bytes, port, bytes.size() + kGuard);
    Bytes& memory = memory_.back();
    std::fill(memory.end() - kGuard, memory.end(), uint8_t{0xee});
    dam_packet packet;
    if (dam_parse(frame.data, frame.data + frame.bytes, &packet) != DAM_DROP_none) return false;
    const bool taken = neighbours.handle(frame, packet, now_ns, output);
    overrun |= std::count(memory.end() - kGuard, memory.end(), 0xee) != kGuard;
    return taken;
  }

  std::vector<Bytes> tick(Neighbours& neighbours, uint64_t now_ns) {
    refill(kSpares);
    neighbours.tick(now_ns, output);
    return sent();
  }

  // What was to be sent since the last call, and the number of frames that were swallowed.
  std::vector<Bytes> sent() {
    std::vector<Bytes> all;
    for (auto* list : {&output.urgent, &output.normal}) {
      for (const Frame& frame : list->all()) {
        all.emplace_back(frame.data, frame.data + frame.bytes);
        ports.push_back(frame.port);
      }
      list->count = 0;
    }
    dropped = output.dropped.count;
    output.dropped.count = 0;
    return all;
  }

  Output output{};
  uint32_t dropped = 0;
  bool overrun = false;
  std::vector<uint8_t> ports;

 private:
  std::deque<Bytes> memory_;
};

inline Bytes from_hex(const std::string& text) {
  Bytes bytes;
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The one's complement sum of RFC 1071, word by word, to check what core/ computes.
inline uint16_t plain_checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

inline void put_checksum(Bytes& frame, std::size_t at, const Bytes& summed) {
  const uint16_t checksum = plain_checksum(summed);
  frame[at] = static_cast<uint8_t>(checksum >> 8);
  frame[at + 1] = static_cast<uint8_t>(checksum);
}

inline void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}
inline Bytes address_bytes(const std::string& text) {
  const dam_address address = address_of(text);
  const auto* p = reinterpret_cast<const uint8_t*>(&address);
  return dam_address_is_v4(&address) ? Bytes(p + 12, p + 16) : Bytes(p, p + 16);
}

// Pseudo header and upper layer of an ICMPv6 packet without extension headers, at `l3`.
inline Bytes icmp6_summed(const Bytes& frame, std::size_t l3) {
  Bytes summed(frame.begin() + static_cast<long>(l3) + 8,
               frame.begin() + static_cast<long>(l3) + 40);
  append(summed, {0, 0, frame[l3 + 4], frame[l3 + 5], 0, 0, 0, 58});
  summed.insert(summed.end(), frame.begin() + static_cast<long>(l3) + 40, frame.end());
  return summed;
}

struct Icmp6 {
  std::string dst_mac = "020000000001", src_mac = "0200000000aa";
  std::string src = "2001:db8::a", dst = "2001:db8::1";
  uint8_t hop_limit = 255;
  Bytes body;  // from the type on; its checksum is filled in
  Bytes vlan;  // "8100 0007", or nothing
};

inline Bytes frame_of(const Icmp6& message) {
  Bytes frame = from_hex(message.dst_mac + message.src_mac);
  append(frame, message.vlan);
  append(frame, {0x86, 0xdd, 0x60, 0, 0, 0, 0, static_cast<uint8_t>(message.body.size()), 58,
                 message.hop_limit});
  append(frame, address_bytes(message.src));
  append(frame, address_bytes(message.dst));
  append(frame, message.body);
  const std::size_t l3 = 14 + message.vlan.size();
  put_checksum(frame, l3 + 42, icmp6_summed(frame, l3));
  return frame;
}

// A solicitation or advertisement; `option` is 0 (none), 1 (source) or 2 (target link address).
inline Bytes discovery_body(uint8_t type, uint8_t flags, const std::string& target, uint8_t option,
                            const std::string& mac = "0200000000aa") {
  Bytes body = {type, 0, 0, 0, flags, 0, 0, 0};
  append(body, address_bytes(target));
  if (option != 0) append(body, {option, 1});
  if (option != 0) append(body, from_hex(mac));
  return body;
}

inline Bytes arp(uint16_t operation, const std::string& sender_mac, const std::string& sender,
                 const std::string& target_mac, const std::string& target,
                 const std::string& dst_mac = "ffffffffffff", const std::string& vlan = "") {
  Bytes frame = from_hex(dst_mac + sender_mac + vlan + "0806 0001 0800 06 04");
  append(frame, {0, static_cast<uint8_t>(operation)});
  append(frame, from_hex(sender_mac));
  append(frame, address_bytes(sender));
  append(frame, from_hex(target_mac));
  append(frame, address_bytes(target));
  return frame;
}

}  // namespace dam

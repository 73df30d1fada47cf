// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/ip_packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace dam::simulation {

uint16_t load16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
uint32_t load32(const uint8_t* at) { return uint32_t{load16(at)} << 16 | load16(at + 2); }
void store16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
void store32(uint8_t* at, uint32_t value) {
  store16(at, value >> 16);
  store16(at + 2, value & 0xffff);
}

namespace {

dam_address address_at(const uint8_t* at, uint8_t family) {
  dam_address address{};
  if (family == 6) {
    std::memcpy(&address, at, 16);
    return address;
  }
  uint32_t raw = 0;
  std::memcpy(&raw, at, 4);
  return dam_address_v4(raw);
}

// Four octets at once are two words: 2^16 is 1 in this sum (RFC 1071).
uint64_t add_words(const uint8_t* at, size_t bytes, uint64_t sum) {
  for (; bytes >= 4; at += 4, bytes -= 4) {
    uint32_t words = 0;
    std::memcpy(&words, at, 4);
    sum += __builtin_bswap32(words);
  }
  for (; bytes >= 2; at += 2, bytes -= 2) sum += load16(at);
  return bytes != 0 ? sum + (uint64_t{*at} << 8) : sum;
}

uint16_t fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// With the checksum's own field in it: 0xffff where it holds (RFC 1071).
uint16_t sum_of_payload(const uint8_t* data, const IpView& view) {
  const uint32_t bytes = uint32_t{view.end} - view.l4;
  uint64_t sum = add_words(data + view.l4, bytes, 0);
  if (view.protocol != kProtocolIcmp) {
    const size_t addresses = view.family == 4 ? 8 : 32;
    sum = add_words(data + (view.family == 4 ? 12 : 8), addresses, sum + view.protocol + bytes);
  }
  return fold(sum);
}

uint16_t checksum_field(const IpView& view) {
  return static_cast<uint16_t>(view.l4 + (view.protocol == kProtocolTcp ? 16 : 2));
}

}  // namespace

std::optional<IpView> view_ip(const uint8_t* data, size_t bytes) {
  IpView view;
  if (bytes < 20) return std::nullopt;
  view.family = data[0] >> 4;
  const bool v4 = view.family == 4;
  if (!v4 && (view.family != 6 || bytes < 40)) return std::nullopt;
  if (v4 && (data[0] != 0x45 || (load16(data + 6) & 0x3fff) != 0)) return std::nullopt;
  view.l4 = v4 ? 20 : 40;
  view.end = static_cast<uint16_t>(v4 ? load16(data + 2) : load16(data + 4) + 40);
  view.protocol = v4 ? data[9] : data[6];
  view.src = address_at(data + (v4 ? 12 : 8), view.family);
  view.dst = address_at(data + (v4 ? 16 : 24), view.family);
  if (view.end < view.l4) return std::nullopt;
  return view;
}

std::optional<TcpView> view_tcp(const uint8_t* data, size_t bytes, bool may_be_cut) {
  const auto ip = view_ip(data, bytes);
  if (!ip || ip->protocol != kProtocolTcp || (!may_be_cut && ip->end > bytes)) return std::nullopt;
  if (std::min<size_t>(ip->end, bytes) < ip->l4 + 20u) return std::nullopt;
  TcpView view;
  static_cast<IpView&>(view) = *ip;
  const uint8_t* tcp = data + view.l4;
  view.src_port = load16(tcp);
  view.dst_port = load16(tcp + 2);
  view.seq = load32(tcp + 4);
  view.ack = load32(tcp + 8);
  view.flags = tcp[13];
  view.window = load16(tcp + 14);
  view.payload = static_cast<uint16_t>(view.l4 + (tcp[12] >> 4) * 4);
  if (view.payload < view.l4 + 20 || view.payload > view.end) return std::nullopt;
  return view;
}

std::optional<TcpView> view_tcp(const Bytes& packet) {
  return view_tcp(packet.data(), packet.size(), false);
}

bool checksums_hold(const Bytes& packet) {
  const auto view = view_ip(packet.data(), packet.size());
  if (!view || view->end > packet.size()) return false;
  if (view->family == 4 && fold(add_words(packet.data(), 20, 0)) != 0xffff) return false;
  return sum_of_payload(packet.data(), *view) == 0xffff;
}

void set_checksums(Bytes& packet) {
  if (packet[0] >> 4 == 4) {
    store16(packet.data() + 10, 0);
    store16(packet.data() + 10, ~uint32_t{fold(add_words(packet.data(), 20, 0))} & 0xffff);
  }
  const auto view = view_ip(packet.data(), packet.size());
  if (!view || view->end > packet.size() || checksum_field(*view) + 2 > view->end) return;
  store16(packet.data() + checksum_field(*view), 0);
  const uint32_t sum = ~uint32_t{sum_of_payload(packet.data(), *view)} & 0xffff;
  store16(packet.data() + checksum_field(*view), sum);
}

TcpOptions read_options(const Bytes& packet, const TcpView& view) {
  TcpOptions options;
  for (size_t at = view.l4 + 20u; at < view.payload;) {
    const uint8_t kind = packet[at];
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 2 > view.payload || packet[at + 1] < 2 || at + packet[at + 1] > view.payload) break;
    const uint8_t* body = packet.data() + at + 2;
    if (kind == 2) options.mss = load16(body);
    if (kind == 3) options.wscale = body[0];
    if (kind == 4) options.sack_permitted = true;
    if (kind == 8) options.timestamps = {load32(body), load32(body + 4)};
    for (uint8_t block = 0; kind == 5 && block + 10 <= packet[at + 1]; block += 8) {
      options.sack.emplace_back(load32(body + block), load32(body + block + 4));
    }
    at += packet[at + 1];
  }
  return options;
}

}  // namespace dam::simulation

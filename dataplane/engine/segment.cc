// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/segment.h"

#include <cstring>

#include "dataplane/core/checksum.h"

namespace dam {

namespace {

constexpr uint8_t kHopLimit = 64;
constexpr uint16_t kIpv4Bytes = 20;
constexpr uint16_t kIpv6Bytes = 40;
constexpr uint16_t kTcpBytes = 20;

// RFC 9293 3.1 and RFC 7323; padded to 32-bit words with NOPs in front, as the kernel does.
uint8_t* write_options(uint8_t* at, const Segment& s) {
  if (s.mss != 0) {
    *at++ = 2, *at++ = 4;
    dam_store_be16(at, s.mss);
    at += 2;
  }
  if (s.timestamps) {
    *at++ = s.sack_permitted ? 4 : 1;
    *at++ = s.sack_permitted ? 2 : 1;
    *at++ = 8, *at++ = 10;
    dam_store_be32(at, s.tsval);
    dam_store_be32(at + 4, s.tsecr);
    at += 8;
  } else if (s.sack_permitted) {
    *at++ = 1, *at++ = 1, *at++ = 4, *at++ = 2;
  }
  if (s.wscale != 15) {
    *at++ = 1, *at++ = 3, *at++ = 3, *at++ = s.wscale;
  }
  return at;
}

void write_ipv4(uint8_t* ip, const Segment& s, uint16_t total) {
  std::memset(ip, 0, kIpv4Bytes);
  ip[0] = 0x45;
  dam_store_be16(ip + 2, total);
  ip[6] = 0x40;  // don't fragment
  ip[8] = kHopLimit;
  ip[9] = 6;
  dam_store32(ip + 12, s.src.word[3]);
  dam_store32(ip + 16, s.dst.word[3]);
  dam_checksum_ipv4_set(ip);
}

void write_ipv6(uint8_t* ip, const Segment& s, uint16_t payload) {
  dam_store_be32(ip, 0x60000000u);
  dam_store_be16(ip + 4, payload);
  ip[6] = 6;
  ip[7] = kHopLimit;
  std::memcpy(ip + 8, &s.src, 16);
  std::memcpy(ip + 24, &s.dst, 16);
}

void write_tcp(uint8_t* tcp, const Segment& s, uint8_t header_bytes) {
  dam_store16(tcp, s.src_port.raw);
  dam_store16(tcp + 2, s.dst_port.raw);
  dam_store_be32(tcp + 4, s.seq.value);
  dam_store_be32(tcp + 8, s.ack.value);
  tcp[12] = static_cast<uint8_t>(header_bytes / 4 << 4);
  tcp[13] = s.flags;
  dam_store_be16(tcp + 14, s.window);
  dam_store32(tcp + 16, 0);
}

void copy_payload(uint8_t* at, const Segment& s) {
  if (!s.payload.empty()) std::memcpy(at, s.payload.data(), s.payload.size());
  if (!s.payload2.empty()) {
    std::memcpy(at + s.payload.size(), s.payload2.data(), s.payload2.size());
  }
}

}  // namespace

bool write_segment(Frame& frame, const Segment& s) {
  const bool v4 = dam_address_is_v4(&s.dst) != 0;
  uint8_t* ip = frame.data + DAM_ETHERNET_BYTES;
  uint8_t* tcp = ip + (v4 ? kIpv4Bytes : kIpv6Bytes);
  uint8_t* payload = write_options(tcp + kTcpBytes, s);
  const size_t payload_bytes = s.payload.size() + s.payload2.size();
  const size_t bytes = static_cast<size_t>(payload - frame.data) + payload_bytes;
  if (bytes > kFrameBytes) return false;
  copy_payload(payload, s);
  write_tcp(tcp, s, static_cast<uint8_t>(payload - tcp));
  const auto ip_bytes = static_cast<uint16_t>(bytes - DAM_ETHERNET_BYTES);
  if (v4) {
    write_ipv4(ip, s, ip_bytes);
  } else {
    write_ipv6(ip, s, static_cast<uint16_t>(ip_bytes - kIpv6Bytes));
  }
  frame.bytes = static_cast<uint16_t>(bytes);
  dam_store_be16(frame.data + 12, v4 ? 0x0800 : 0x86dd);
  dam_packet packet{};
  packet.src = s.src;
  packet.dst = s.dst;
  packet.family = v4 ? 4 : 6;
  packet.kind = DAM_KIND_TCP;
  packet.l3 = DAM_ETHERNET_BYTES;
  packet.l4 = static_cast<uint16_t>(tcp - frame.data);
  packet.payload = static_cast<uint16_t>(payload - frame.data);
  packet.payload_bytes = static_cast<uint16_t>(payload_bytes);
  packet.end = frame.bytes;
  dam_checksum_tcp_set(frame.data, &packet);
  return true;
}

}  // namespace dam

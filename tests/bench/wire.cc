// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/wire.h"

#include <cstring>

namespace dam::bench {
namespace {

constexpr uint16_t kIpv4Type = 0x0800;
constexpr uint16_t kArpType = 0x0806;
constexpr uint32_t kArpBytes = 28;

void put16(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value >> 8);
  p[1] = static_cast<uint8_t>(value);
}

void put32(uint8_t* p, uint32_t value) {
  put16(p, value >> 16);
  put16(p + 2, value);
}

uint16_t get16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }

// RFC 1071: the ones' complement sum, not yet folded.
uint64_t sum_of(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += get16(&bytes[i]);
  if (i < bytes.size()) sum += uint32_t{bytes[i]} << 8;
  return sum;
}

uint16_t checksum_of(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void write_ethernet(uint8_t* out, const Mac& dst, const Mac& src, uint16_t type) {
  std::memcpy(out, dst.data(), 6);
  std::memcpy(out + 6, src.data(), 6);
  put16(out + 12, type);
}

void write_ipv4(uint8_t* ip, const TcpFields& tcp, uint32_t total_bytes) {
  constexpr uint8_t kFixed[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0};  // DF, TTL 64, TCP
  std::memcpy(ip, kFixed, sizeof kFixed);
  put16(ip + 2, total_bytes);
  put32(ip + 12, tcp.src);
  put32(ip + 16, tcp.dst);
  put16(ip + 10, checksum_of(sum_of({ip, 20})));
}

}  // namespace

uint16_t write_tcp(uint8_t* out, const Mac& dst, const Mac& src, const TcpFields& tcp) {
  const auto header_bytes = static_cast<uint32_t>(20 + tcp.options.size());
  const auto tcp_bytes = static_cast<uint32_t>(header_bytes + tcp.payload.size());
  write_ethernet(out, dst, src, kIpv4Type);
  write_ipv4(out + 14, tcp, 20 + tcp_bytes);
  uint8_t* header = out + 34;
  put16(header, tcp.src_port);
  put16(header + 2, tcp.dst_port);
  put32(header + 4, tcp.seq);
  put32(header + 8, tcp.ack);
  header[12] = static_cast<uint8_t>(header_bytes / 4 << 4);
  header[13] = tcp.flags;
  put16(header + 14, tcp.window);
  put32(header + 16, 0);
  if (!tcp.options.empty()) std::memcpy(header + 20, tcp.options.data(), tcp.options.size());
  if (!tcp.payload.empty()) {
    std::memcpy(header + header_bytes, tcp.payload.data(), tcp.payload.size());
  }
  const uint64_t pseudo = sum_of({out + 26, 8}) + 6 + tcp_bytes;
  put16(header + 16, checksum_of(pseudo + sum_of({header, tcp_bytes})));
  return static_cast<uint16_t>(34 + tcp_bytes);
}

bool read_tcp(std::span<const uint8_t> frame, TcpFields& tcp) {
  if (frame.size() < kTcpHeaders || get16(&frame[12]) != kIpv4Type || frame[14] != 0x45)
    return false;
  const uint8_t* ip = &frame[14];
  const uint8_t* header = ip + 20;
  const uint32_t total_bytes = get16(ip + 2);
  const uint32_t header_bytes = header[12] / 16u * 4;
  if (ip[9] != 6 || total_bytes + 14 > frame.size() || total_bytes < 20 + header_bytes)
    return false;
  tcp = {.src = get32(ip + 12),
         .dst = get32(ip + 16),
         .src_port = get16(header),
         .dst_port = get16(header + 2),
         .seq = get32(header + 4),
         .ack = get32(header + 8),
         .flags = header[13],
         .window = get16(header + 14),
         .options = {header + 20, header_bytes - 20},
         .payload = {header + header_bytes, total_bytes - 20 - header_bytes}};
  return true;
}

uint16_t answer_arp(std::span<const uint8_t> frame, const Mac& mac, uint8_t* out) {
  if (frame.size() < 14 + kArpBytes || get16(&frame[12]) != kArpType) return 0;
  const uint8_t* request = &frame[14];
  if (get16(request + 6) != 1) return 0;
  Mac asker;
  std::memcpy(asker.data(), request + 8, 6);
  write_ethernet(out, asker, mac, kArpType);
  uint8_t* reply = out + 14;
  std::memcpy(reply, request, 6);
  put16(reply + 6, 2);
  std::memcpy(reply + 8, mac.data(), 6);
  std::memcpy(reply + 14, request + 24, 4);
  std::memcpy(reply + 18, request + 8, 10);
  return 14 + kArpBytes;
}

}  // namespace dam::bench

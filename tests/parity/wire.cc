// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parity/wire.h"

#include <algorithm>
#include <cstddef>

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"

namespace dam::test {
namespace {

constexpr size_t kL3 = DAM_ETHERNET_BYTES;

// Ethernet and IP headers in front of `upper` octets.
std::vector<uint8_t> write_ip(const dam_address& src, const dam_address& dst, uint8_t protocol,
                              uint8_t hop_limit, uint8_t traffic_class, size_t upper) {
  const bool four = dam_address_is_v4(&src) && dam_address_is_v4(&dst);
  std::vector<uint8_t> frame(kL3 + (four ? DAM_IPV4_BYTES : DAM_IPV6_BYTES) + upper);
  uint8_t* ip = frame.data() + kL3;
  dam_store_be16(frame.data() + 12, four ? DAM_ETHER_IPV4 : DAM_ETHER_IPV6);
  if (four) {
    dam_store_be16(ip, static_cast<uint16_t>(0x4500 | traffic_class));
    dam_store_be16(ip + 2, static_cast<uint16_t>(DAM_IPV4_BYTES + upper));
    ip[8] = hop_limit;
    ip[9] = protocol;
    dam_store32(ip + 12, src.word[3]);
    dam_store32(ip + 16, dst.word[3]);
    dam_checksum_ipv4_set(ip);
  } else {
    dam_store_be32(ip, 0x60000000u | uint32_t{traffic_class} << 20 | 0x54321);
    dam_store_be16(ip + 4, static_cast<uint16_t>(upper));
    ip[6] = protocol;
    ip[7] = hop_limit;
    std::copy_n(reinterpret_cast<const uint8_t*>(&src), 16, ip + 8);
    std::copy_n(reinterpret_cast<const uint8_t*>(&dst), 16, ip + 24);
  }
  return frame;
}

dam_packet parsed(const std::vector<uint8_t>& frame) {
  dam_packet packet{};
  (void)dam_parse(frame.data(), frame.data() + frame.size(), &packet);
  return packet;
}

}  // namespace

std::vector<uint8_t> write_frame(const WireSegment& s) {
  const size_t header = DAM_TCP_BYTES + s.options.size();
  std::vector<uint8_t> frame = write_ip(s.src, s.dst, DAM_PROTOCOL_TCP, s.hop_limit,
                                        s.traffic_class, header + s.payload.size());
  uint8_t* tcp = frame.data() + frame.size() - header - s.payload.size();
  dam_store_be16(tcp, s.src_port);
  dam_store_be16(tcp + 2, s.dst_port);
  dam_store_be32(tcp + 4, s.seq);
  dam_store_be32(tcp + 8, s.ack);
  tcp[12] = static_cast<uint8_t>(header / 4 << 4);
  tcp[13] = s.flags;
  dam_store_be16(tcp + 14, s.window);
  std::copy(s.options.begin(), s.options.end(), tcp + DAM_TCP_BYTES);
  std::copy(s.payload.begin(), s.payload.end(), tcp + header);
  const dam_packet packet = parsed(frame);
  dam_checksum_tcp_set(frame.data(), &packet);
  return frame;
}

std::vector<uint8_t> write_other(const dam_address& src, const dam_address& dst, uint8_t protocol,
                                 const std::vector<uint8_t>& octets) {
  std::vector<uint8_t> frame = write_ip(src, dst, protocol, 64, 0, octets.size());
  std::copy(octets.begin(), octets.end(), frame.end() - static_cast<std::ptrdiff_t>(octets.size()));
  const dam_packet packet = parsed(frame);
  if (packet.kind == DAM_KIND_ICMP) dam_checksum_icmp_set(frame.data(), &packet);
  return frame;
}

std::vector<uint8_t> write_icmp_error(const dam_address& src, const dam_address& dst, uint8_t type,
                                      uint8_t code, const std::vector<uint8_t>& quoted,
                                      size_t octets) {
  std::vector<uint8_t> icmp = {type, code, 0, 0, 0, 0, 0, 0};
  dam_store_be16(icmp.data() + 6, 1300);
  const bool four = dam_address_is_v4(&src);
  if (!four) {
    dam_store_be32(icmp.data() + 4, 1300);
  }
  const size_t there = std::min(octets, quoted.size());
  icmp.insert(icmp.end(), quoted.begin(), quoted.begin() + static_cast<std::ptrdiff_t>(there));
  return write_other(src, dst, four ? uint8_t{DAM_PROTOCOL_ICMP} : uint8_t{DAM_PROTOCOL_ICMPV6},
                     icmp);
}

}  // namespace dam::test

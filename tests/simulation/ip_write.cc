// SPDX-License-Identifier: BSD-3-Clause
// IP packets made and changed, and told in words.
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "tests/simulation/ip_packet.h"

namespace dam::simulation {

namespace {

void set_length(Bytes& packet) {
  if (packet[0] >> 4 == 4) {
    store16(packet.data() + 2, static_cast<uint32_t>(packet.size()));
  } else {
    store16(packet.data() + 4, static_cast<uint32_t>(packet.size() - 40));
  }
}

}  // namespace

void replace_options(Bytes& packet, const TcpOptions& options) {
  const auto view = view_tcp(packet);
  if (!view) return;
  Bytes text;
  const auto number = [&](uint32_t value) {
    text.resize(text.size() + 4);
    store32(text.data() + text.size() - 4, value);
  };
  if (options.mss) number(0x02040000u | *options.mss);
  if (options.wscale) number(0x01030300u | *options.wscale);
  if (options.sack_permitted) number(0x01010402u);
  if (options.timestamps) {
    number(0x0101080au);
    number(options.timestamps->first);
    number(options.timestamps->second);
  }
  if (!options.sack.empty()) {
    number(0x01010500u | static_cast<uint32_t>(2 + 8 * options.sack.size()));
    for (const auto& [left, right] : options.sack) {
      number(left);
      number(right);
    }
  }
  packet.erase(packet.begin() + view->l4 + 20, packet.begin() + view->payload);
  packet.insert(packet.begin() + view->l4 + 20, text.begin(), text.end());
  packet[view->l4 + 12u] = static_cast<uint8_t>((20 + text.size()) / 4 << 4);
  set_length(packet);
  set_checksums(packet);
}

std::pair<Bytes, Bytes> split_segment(const Bytes& packet, uint32_t payload_bytes) {
  const TcpView view = *view_tcp(packet);
  Bytes first(packet.begin(), packet.begin() + view.payload + payload_bytes);
  Bytes second(packet.begin(), packet.begin() + view.payload);
  second.insert(second.end(), packet.begin() + view.payload + payload_bytes,
                packet.begin() + view.end);
  first[view.l4 + 13u] &= static_cast<uint8_t>(~(kFin | kPsh));
  store32(second.data() + view.l4 + 4, view.seq + payload_bytes);
  for (Bytes* half : {&first, &second}) {
    set_length(*half);
    set_checksums(*half);
  }
  return {first, second};
}

Bytes make_segment(const dam_address& src, uint16_t src_port, const dam_address& dst,
                   uint16_t dst_port, uint32_t seq, uint32_t ack, uint8_t flags,
                   uint32_t payload_bytes) {
  const bool v4 = dam_address_is_v4(&src) != 0;
  const size_t l4 = v4 ? 20 : 40;
  Bytes packet(l4 + 20 + payload_bytes);
  packet[0] = v4 ? 0x45 : 0x60;
  packet[v4 ? 8 : 7] = 64;
  packet[v4 ? 9 : 6] = kProtocolTcp;
  const size_t each = v4 ? 4 : 16;
  std::memcpy(packet.data() + (v4 ? 12 : 8), v4 ? &src.word[3] : &src.word[0], each);
  std::memcpy(packet.data() + (v4 ? 16 : 24), v4 ? &dst.word[3] : &dst.word[0], each);
  uint8_t* tcp = packet.data() + l4;
  store16(tcp, src_port);
  store16(tcp + 2, dst_port);
  store32(tcp + 4, seq);
  store32(tcp + 8, ack);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  store16(tcp + 14, 0xffff);
  set_length(packet);
  set_checksums(packet);
  return packet;
}

Bytes too_big_error(const Bytes& packet, uint16_t mtu, const dam_address& router) {
  const IpView view = *view_ip(packet.data(), packet.size());
  const bool v4 = view.family == 4;
  Bytes error(v4 ? 28 : 48);
  error[0] = v4 ? 0x45 : 0x60;
  error[v4 ? 8 : 7] = 64;
  error[v4 ? 9 : 6] = v4 ? kProtocolIcmp : kProtocolIcmp6;
  std::memcpy(error.data() + (v4 ? 12 : 8), v4 ? &router.word[3] : &router.word[0], v4 ? 4 : 16);
  std::memcpy(error.data() + (v4 ? 16 : 24), v4 ? &view.src.word[3] : &view.src.word[0],
              v4 ? 4 : 16);
  uint8_t* icmp = error.data() + (v4 ? 20 : 40);
  icmp[0] = v4 ? 3 : 2;
  icmp[1] = v4 ? 4 : 0;
  store32(icmp + 4, mtu);
  const size_t quoted = std::min<size_t>(packet.size(), v4 ? 548 : 1232);
  error.insert(error.end(), packet.begin(), packet.begin() + static_cast<ptrdiff_t>(quoted));
  set_length(error);
  set_checksums(error);
  return error;
}

std::string text_of(const dam_address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = dam_address_is_v4(&address) != 0;
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address.word[3] : &address.word[0], text, sizeof text);
  return text;
}

std::string text_of(const Bytes& packet) {
  const auto view = view_tcp(packet);
  const auto ip = view_ip(packet.data(), packet.size());
  if (!ip) return "no IP packet, " + std::to_string(packet.size()) + " octets";
  if (!view) {
    return text_of(ip->src) + " > " + text_of(ip->dst) + " protocol " +
           std::to_string(ip->protocol) + ", " + std::to_string(packet.size()) + " octets";
  }
  std::string flags;
  const std::pair<uint8_t, char> names[] = {
      {kSyn, 'S'}, {kFin, 'F'}, {kRst, 'R'}, {kPsh, 'P'}, {kAck, '.'}};
  for (const auto& [flag, name] : names) {
    if (view->has(flag)) flags += name;
  }
  return text_of(view->src) + ":" + std::to_string(view->src_port) + " > " + text_of(view->dst) +
         ":" + std::to_string(view->dst_port) + " [" + flags + "] seq " +
         std::to_string(view->seq) + " ack " + std::to_string(view->ack) + " win " +
         std::to_string(view->window) + " payload " + std::to_string(view->payload_bytes());
}

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// The segments of clients and servers: mostly what a TCP would send, now and then what none would.
#include <algorithm>

#include "tests/parity/conversations.h"
#include "tests/unit/durations.h"

namespace dam::test {
namespace {

void put32(std::vector<uint8_t>& out, uint32_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(word >> shift));
}

void put_timestamps(std::vector<uint8_t>& out, uint32_t value, uint32_t echo) {
  put32(out, 0x0101080a);
  put32(out, value);
  put32(out, echo);
}

void pad(std::vector<uint8_t>& options) {
  while (options.size() % 4 != 0) options.push_back(DAM_OPTION_END);
  options.resize(std::min<size_t>(options.size(), DAM_OPTION_BYTES_MAX));
}

// A SYN's, in any order, each of them or not, as systems lay them out or not.
std::vector<uint8_t> syn_options(Dice& dice, uint8_t wscale, uint32_t tsval) {
  std::vector<std::vector<uint8_t>> pieces;
  if (!dice.one_in(8)) pieces.push_back({2, 4, dice.of<uint8_t>({5, 5, 2, 0, 35}), 0xb4});
  if (!dice.one_in(3)) pieces.push_back({4, 2});
  if (!dice.one_in(3)) {
    pieces.push_back({8, 10});
    put32(pieces.back(), tsval);
    put32(pieces.back(), 0);
  }
  if (wscale != DAM_WSCALE_NONE) pieces.push_back({1, 3, 3, wscale});
  if (dice.one_in(8)) pieces.push_back({34, 4, 1, 2});  // one that the dam does not know
  if (dice.one_in(4)) std::rotate(pieces.begin(), pieces.begin() + pieces.size() / 2, pieces.end());
  std::vector<uint8_t> options;
  for (const auto& piece : pieces) options.insert(options.end(), piece.begin(), piece.end());
  pad(options);
  return options;
}

// Of a segment behind the handshake.
std::vector<uint8_t> options_of(Dice& dice, bool timestamps, uint32_t tsval, uint32_t tsecr,
                                uint32_t ack) {
  std::vector<uint8_t> options;
  if (dice.one_in(16)) timestamps = !timestamps;
  if (timestamps) put_timestamps(options, tsval, dice.one_in(8) ? 0 : tsecr);
  if (dice.one_in(4)) {
    const uint32_t blocks = 1 + dice.below(3);
    if (!dice.one_in(4)) options.insert(options.end(), {1, 1});
    options.insert(options.end(), {5, static_cast<uint8_t>(2 + 8 * blocks)});
    for (uint32_t i = 0; i < 2 * blocks; ++i) put32(options, ack + 100 * (i + 1));
  }
  if (dice.one_in(16)) options.insert(options.end(), {8, 10, 1, 2, 3, 4, 5, 6, 7, 8});
  pad(options);
  return options;
}

uint32_t shift_of(Dice& dice) {
  if (!dice.one_in(6)) return 0;
  return dice.of({1u, 0xffffffffu, 1000u, 0u - 1000u, 65535u << 7, 0u - (65535u << 7), 70000u,
                  0u - 70000u, 0x80000000u, static_cast<uint32_t>(dice.next())});
}

std::string hello_for(Dice& dice) {
  const auto name = dice.of<std::string_view>({"www.example.org", "www.example.org",
                                               "api.example.org", "manage.example.org",
                                               "manage.example.org", "", "other.example.org"});
  const auto alpn = dice.of<std::string_view>({"h2", "h2", "http/1.1", ""});
  std::string hello = client_hello(name, 1, alpn);
  if (dice.one_in(16)) hello[0] = 'G';
  return hello;
}

// TLS records, from the first octet on or not, whole or not.
std::string records_of(Dice& dice, size_t bytes) {
  std::string payload(bytes, 'c');
  for (size_t at = dice.of<size_t>({0, 0, 0, 0, 0, 3}); at < bytes;) {
    const auto length =
        dice.of<uint16_t>({1, 26, 32, 40, 53, 53, 54, 60, 69, 117, 200, 1300, 16401});
    const char header[] = {dice.of<char>({23, 23, 23, 23, 23, 23, 22, 20}), 3, 3,
                           static_cast<char>(length >> 8), static_cast<char>(length)};
    const size_t there = std::min(sizeof header, bytes - at);
    payload.replace(at, there, header, there);
    at += sizeof header + length;
  }
  return payload;
}

}  // namespace

WireSegment Conversations::from_client(const Talk& talk, uint8_t flags) const {
  WireSegment s;
  s.src = talk.client;
  s.dst = talk.listener;
  s.src_port = talk.port;
  s.dst_port = talk.to_port;
  s.seq = talk.next;
  s.ack = talk.ack;
  s.flags = flags;
  s.window = 502;
  return s;
}

WireSegment Conversations::from_server(const Talk& talk, uint8_t flags) const {
  WireSegment s;
  s.src = talk.server;
  s.dst = talk.local;
  s.src_port = talk.server_port;
  s.dst_port = talk.local_port;
  s.seq = talk.server_next;
  s.ack = talk.server_ack;
  s.flags = flags;
  s.window = 501;
  return s;
}

void Conversations::begin(Talk& talk, Dice& dice) {
  talk.to_port = dice.one_in(4) ? kPortRouted : uint16_t{443};
  talk.isn = static_cast<uint32_t>(dice.next());
  talk.next = talk.isn + 1;
  talk.wscale = dice.of<uint8_t>({7, 0, 14, 15, DAM_WSCALE_NONE});
  talk.hello = talk.to_port == 443 ? hello_for(dice) : std::string();
  talk.hello_sent = 0;
  talk.server_port = 0;
  const auto ecn = dice.of<uint8_t>({0, DAM_TCP_ECE | DAM_TCP_CWR, DAM_TCP_ECE});
  WireSegment s = from_client(talk, static_cast<uint8_t>(DAM_TCP_SYN | ecn));
  s.seq = talk.isn;
  s.ack = 0;
  s.options = syn_options(dice, talk.wscale, dice.below(1000));
  if (dice.one_in(16)) s.payload = "early";
  send(kFrontPort, write_frame(s), talk);
}

void Conversations::acknowledge(Talk& talk, Dice& dice, uint32_t first) {
  WireSegment s = from_client(talk, DAM_TCP_ACK);
  s.seq = talk.isn + 1;
  s.payload = talk.hello.substr(0, first);
  if (talk.timestamps) put_timestamps(s.options, 1000 + dice.below(1000), talk.tsecr);
  talk.hello_sent = s.payload.size();
  talk.next = s.seq + static_cast<uint32_t>(s.payload.size());
  send(kFrontPort, write_frame(s), talk);
}

void Conversations::more_hello(Talk& talk, Dice& dice) {
  WireSegment s = from_client(talk, DAM_TCP_ACK);
  s.payload = talk.hello.substr(talk.hello_sent, dice.of({4000u, 1u, 30u}));
  if (talk.timestamps) put_timestamps(s.options, 2000 + dice.below(1000), talk.tsecr);
  talk.hello_sent += s.payload.size();
  talk.next += static_cast<uint32_t>(s.payload.size());
  send(kFrontPort, write_frame(s), talk);
}

void Conversations::server_syn_ack(Talk& talk, Dice& dice) {
  if (talk.server_port == 0) return;
  const bool refuses = dice.one_in(16);
  WireSegment s =
      from_server(talk, refuses ? DAM_TCP_RST | DAM_TCP_ACK : DAM_TCP_SYN | DAM_TCP_ACK);
  s.seq = static_cast<uint32_t>(dice.next());
  if (!dice.one_in(8)) s.options = {2, 4, 5, 0xb4, 1, 3, 3, dice.of<uint8_t>({9, 0, 14})};
  if (!dice.one_in(8)) s.options.insert(s.options.end(), {1, 1, 4, 2});
  if (talk.server_timestamps && !dice.one_in(8)) {
    put_timestamps(s.options, 900 + dice.below(1u << 30), talk.server_tsecr);
  }
  s.window = dice.of<uint16_t>({65160, 1000, 0});
  talk.server_next = s.seq + 1;
  send(talk.server_link, write_frame(s), talk);
}

void Conversations::client_segment(Talk& talk, Dice& dice, uint8_t flags, size_t bytes) {
  WireSegment s = from_client(talk, flags);
  const uint32_t shift = shift_of(dice);
  s.seq += shift;
  s.ack += shift_of(dice);
  s.window = dice.of<uint16_t>({502, 0, 1, 65535});
  s.traffic_class = dice.of<uint8_t>({0, 1, 2, 3, 0xb8});
  s.payload = records_of(dice, bytes);
  const auto clock = static_cast<uint32_t>(twins_.now_ns() / kMillisecond);
  s.options = options_of(dice, talk.timestamps, clock, talk.tsecr, s.ack);
  if (shift == 0) {
    talk.next += static_cast<uint32_t>(bytes) + ((flags & DAM_TCP_FIN) != 0 ? 1 : 0);
  }
  send(kFrontPort, write_frame(s), talk);
}

void Conversations::server_segment(Talk& talk, Dice& dice, uint8_t flags, size_t bytes) {
  if (talk.server_port == 0) return;
  WireSegment s = from_server(talk, flags);
  const uint32_t shift = shift_of(dice);
  s.seq += shift;
  s.ack += shift_of(dice);
  s.window = dice.of<uint16_t>({501, 0, 1, 65535});
  s.traffic_class = dice.of<uint8_t>({0, 1, 2, 3});
  s.payload.assign(bytes, 's');
  const auto clock = static_cast<uint32_t>(twins_.now_ns() / kMillisecond);
  s.options = options_of(dice, talk.server_timestamps, clock, talk.server_tsecr, s.ack);
  if (shift == 0) {
    talk.server_next += static_cast<uint32_t>(bytes) + ((flags & DAM_TCP_FIN) != 0 ? 1 : 0);
  }
  send(talk.server_link, write_frame(s), talk);
}

}  // namespace dam::test

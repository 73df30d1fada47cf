// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parity/conversations.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "tests/parity/policies.h"
#include "tests/unit/durations.h"

namespace dam::test {
namespace {

constexpr const char* kActs[] = {
    "wait",           "stand",      "syn",         "acknowledge", "hello",         "bad_cookie",
    "server_syn_ack", "server_ack", "client_data", "server_data", "client_ends",   "server_ends",
    "icmp_error",     "stranger",   "again",       "policy",      "rotate_secret", "learn"};
constexpr const char* kTwists[] = {"none",      "bit",       "cut",       "padding",  "other_link",
                                   "other_mac", "vlan",      "hop_limit", "fragment", "checksum",
                                   "octet",     "group_mac", "bad_source"};
static_assert(std::size(kActs) == static_cast<size_t>(Act::count));
static_assert(std::size(kTwists) == static_cast<size_t>(Twist::count));

// Two of most, so that sources share buckets and /24s; the last one is on the dam's own link.
const dam_address kClients[] = {
    kClient,    v4(198, 51, 100, 8), v6(0x51, 7), kAllowed, kDenied,           kDeniedV6,
    kAllowedV6, v6(0x51, 8),         kClient,     kClient,  kDeniedAndAllowed, v4(198, 18, 0, 77)};

uint64_t pause(Dice& dice) {
  return dice.of({5 * kMillisecond, 5 * kMillisecond, 50 * kMillisecond, 245 * kMillisecond,
                  500 * kMillisecond, 1 * kSecond, 3 * kSecond, 25 * kSecond});
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << "{" << kActs[static_cast<size_t>(step.act)] << ", "
             << kTwists[static_cast<size_t>(step.twist)] << ", " << int{step.who} << ", "
             << step.details << "}";
}

Conversations::Conversations(Twins& twins) : twins_(twins) {
  for (size_t i = 0; i < kTalks; ++i) {
    talks_[i].client = kClients[i];
    talks_[i].listener = dam_address_is_v4(&kClients[i]) ? kPublic : kPublicV6;
    talks_[i].port = static_cast<uint16_t>(40000 + i);
  }
  twins_.apply(policy_of(twins_.draft(), 0));
}

// Link addresses, a tag where the link wants one, and the twist.
void Conversations::send(uint8_t port, std::vector<uint8_t> frame, Talk& talk) {
  const uint8_t macs[12] = {2, 0, 0, 0, 0, port, 2, 0, 0, 0, 1, port};
  std::copy_n(macs, 12, frame.begin());
  if (port == kManagementPort) {
    const uint8_t tag[4] = {0x81, 0, 0, kManagementVlan};
    frame.insert(frame.begin() + 12, tag, tag + 4);
  }
  Dice dice(twist_seed_++);
  twist_frame(twist_, dice, port, frame);
  sent_.emplace_back(port, frame);
  if (sent_.size() > 32) sent_.erase(sent_.begin());
  digest(twins_.send(port, frame), &talk);
}

void Conversations::digest(const std::vector<Seen>& seen, Talk* current) {
  for (const Seen& frame : seen) {
    if (frame.packet.kind != DAM_KIND_TCP) continue;
    const dam_packet& packet = frame.packet;
    const bool to_front = frame.port == kFrontPort;
    const auto its = std::find_if(talks_.begin(), talks_.end(), [&](const Talk& talk) {
      if (to_front) {
        return dam_address_equal(&talk.client, &packet.dst) &&
               talk.port == dam_ntoh16(packet.dst_port);
      }
      return talk.server_port == dam_ntoh16(packet.dst_port) &&
             talk.local_port == dam_ntoh16(packet.src_port) &&
             dam_address_equal(&talk.server, &packet.dst);
    });
    if (to_front) {
      if (its != talks_.end()) note_to_client(*its, frame);
    } else if (its != talks_.end()) {
      note_to_server(*its, frame);
    } else if (current != nullptr && frame.has(DAM_TCP_SYN)) {
      note_to_server(*current, frame);
    }
  }
}

void Conversations::note_to_client(Talk& talk, const Seen& seen) {
  talk.to_client = seen.bytes;
  const dam_packet& packet = seen.packet;
  if (seen.has(DAM_TCP_SYN)) {
    talk.ack = packet.seq.value + 1;
    talk.timestamps = seen.options.has_timestamps != 0;
  }
  const uint32_t end = packet.seq.value + packet.payload_bytes;
  if (static_cast<int32_t>(end - talk.ack) > 0) talk.ack = end;
  if (seen.options.has_timestamps) talk.tsecr = seen.options.tsval;
}

void Conversations::note_to_server(Talk& talk, const Seen& seen) {
  talk.to_server = seen.bytes;
  const dam_packet& packet = seen.packet;
  if (seen.has(DAM_TCP_SYN)) {
    talk.server = packet.dst;
    talk.server_port = dam_ntoh16(packet.dst_port);
    talk.local = packet.src;
    talk.local_port = dam_ntoh16(packet.src_port);
    talk.server_link = seen.port;
    talk.server_ack = packet.seq.value + 1;
    talk.server_timestamps = seen.options.has_timestamps != 0;
  }
  const uint32_t end = packet.seq.value + packet.payload_bytes + (seen.has(DAM_TCP_FIN) ? 1 : 0);
  if (static_cast<int32_t>(end - talk.server_ack) > 0) talk.server_ack = end;
  if (seen.options.has_timestamps) talk.server_tsecr = seen.options.tsval;
}

void Conversations::take(const Step& step) {
  Talk& talk = talks_[step.who % kTalks];
  Dice dice(step.details);
  twist_ = step.twist;
  twist_seed_ = ~uint64_t{step.details};
  const auto size = [&] { return dice.of<size_t>({0, 1, 5, 100, 536, 1400, 1448, 1460, 1472}); };
  const uint8_t push = dice.of<uint8_t>({DAM_TCP_ACK, DAM_TCP_ACK, DAM_TCP_ACK | DAM_TCP_PSH});
  const uint8_t last =
      dice.of<uint8_t>({DAM_TCP_ACK | DAM_TCP_FIN, DAM_TCP_RST, DAM_TCP_ACK | DAM_TCP_RST,
                        DAM_TCP_SYN, 0, DAM_TCP_ACK | DAM_TCP_FIN | DAM_TCP_PSH});
  switch (step.act) {
    case Act::wait:
    case Act::count:
      return digest(twins_.advance(pause(dice)), nullptr);
    case Act::stand:
      return stand(talk, dice);
    case Act::syn:
      return begin(talk, dice);
    case Act::acknowledge:
      return acknowledge(talk, dice, dice.of({0u, 0u, 1u, 40u, 1000u}));
    case Act::hello:
      return more_hello(talk, dice);
    case Act::bad_cookie:
      talk.ack ^= dice.of({1u, 0x80000000u, 0x00010000u, static_cast<uint32_t>(dice.next())});
      return client_segment(talk, dice, push, 0);
    case Act::server_syn_ack:
      return server_syn_ack(talk, dice);
    case Act::server_ack:
      return server_segment(talk, dice, DAM_TCP_ACK, 0);
    case Act::client_data:
      return client_segment(talk, dice, push, size());
    case Act::server_data:
      return server_segment(talk, dice, push, size());
    case Act::client_ends:
      return client_segment(talk, dice, last, dice.of<size_t>({0, 0, 10}));
    case Act::server_ends:
      return server_segment(talk, dice, last, dice.of<size_t>({0, 0, 10}));
    case Act::icmp_error:
      return icmp_error(talk, dice);
    case Act::stranger:
      return stranger(talk, dice);
    case Act::again:
      return again(talk, dice);
    case Act::policy:
      return twins_.apply(policy_of(twins_.draft(), step.details));
    case Act::rotate_secret:
      return twins_.rotate_secret(dice.next());
    case Act::learn: {
      LearnedOptions learned;
      learned.mss = dice.of<uint16_t>({536, 1300, 1460, 8960});
      learned.sack = dice.one_in(2);
      learned.timestamps = dice.one_in(2);
      learned.ecn = dice.one_in(2);
      learned.wscale = dice.of<uint8_t>({7, 0, 15});
      twins_.learn(static_cast<uint16_t>(dice.below(2)), learned);
      return digest(twins_.advance(55 * kMillisecond), nullptr);  // the promises follow
    }
  }
}

void Conversations::stand(Talk& talk, Dice& dice) {
  begin(talk, dice);
  acknowledge(talk, dice, 4000);
  if (talk.server_port == 0) return;
  server_syn_ack(talk, dice);
  WireSegment ack = from_server(talk, DAM_TCP_ACK);
  ack.ack = talk.server_ack;
  send(talk.server_link, write_frame(ack), talk);
}

void Conversations::again(Talk& talk, Dice& dice) {
  if (sent_.empty()) return;
  const auto [port, frame] = sent_[dice.below(static_cast<uint32_t>(sent_.size()))];
  uint8_t link = port;
  std::vector<uint8_t> copy = frame;
  twist_frame(copy.size() < 20 ? Twist::none : twist_, dice, link, copy);
  digest(twins_.send(link, copy), &talk);
}

void Conversations::icmp_error(Talk& talk, Dice& dice) {
  const bool about_server = dice.one_in(2);
  const std::vector<uint8_t>& last = about_server ? talk.to_server : talk.to_client;
  if (last.size() < 60) return;
  dam_packet packet{};
  if (dam_parse(last.data(), last.data() + last.size(), &packet) != DAM_DROP_none) return;
  const std::vector<uint8_t> quoted(last.begin() + packet.l3, last.end());
  const dam_address router = packet.family == 4 ? v4(203, 0, 113, 77) : v6(0x60, 1);
  const uint8_t type = packet.family == 4 ? dice.of<uint8_t>({3, 3, 11, 12, 4, 8})
                                          : dice.of<uint8_t>({1, 2, 3, 4, 0, 128});
  const uint8_t code = dice.of<uint8_t>({0, 1, 4});
  const size_t octets = dice.of<size_t>({28, 48, 64, 1000, 20, 47});
  send(about_server ? talk.server_link : kFrontPort,
       write_icmp_error(router, packet.src, type, code, quoted, octets), talk);
}

// To the host's own services, to ports that nobody listens at, from servers without a connection.
void Conversations::stranger(Talk& talk, Dice& dice) {
  WireSegment s = from_client(talk, dice.of<uint8_t>({DAM_TCP_SYN, DAM_TCP_ACK, DAM_TCP_RST,
                                                      DAM_TCP_SYN | DAM_TCP_FIN, 0xff, 0}));
  const dam_address other = dam_address_is_v4(&talk.client) ? v4(198, 18, 0, 99) : v6(0, 99);
  switch (dice.below(6)) {
    case 0:
      s.dst_port = dice.of<uint16_t>({22, 80, 444});
      return send(kFrontPort, write_frame(s), talk);
    case 1:
      s.dst = other;
      return send(kFrontPort, write_frame(s), talk);
    case 2:
      return send(kFrontPort, write_other(s.src, s.dst, 17, {0, 53, 0, 53, 0, 8, 0, 0}), talk);
    case 3: {
      const bool four = dam_address_is_v4(&s.src);
      const std::vector<uint8_t> echo = {static_cast<uint8_t>(four ? 8 : 128), 0, 0, 0, 1, 2, 3, 4};
      const auto protocol = static_cast<uint8_t>(four ? DAM_PROTOCOL_ICMP : DAM_PROTOCOL_ICMPV6);
      return send(kFrontPort, write_other(s.src, s.dst, protocol, echo), talk);
    }
    case 4:
      s.src_port = static_cast<uint16_t>(s.src_port + 100 + dice.below(50));
      return send(kFrontPort, write_frame(s), talk);
    default:
      s.src = kServiceServer;
      s.dst = v4(198, 18, 10, 2);
      s.src_port = dice.of<uint16_t>({443, 80});
      s.dst_port = dice.of<uint16_t>({443, 5000, 1024});
      return send(kServicePort, write_frame(s), talk);
  }
}

}  // namespace dam::test

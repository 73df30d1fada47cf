// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/attacker.h"

namespace dam::simulation {

namespace {

constexpr uint16_t kListenerPorts[] = {kTlsPort, kHttpPort, kRawPort};
constexpr uint8_t kFlags[] = {kSyn,        kAck,        kRst, kRst | kAck, kFin | kAck,
                              kPsh | kAck, kSyn | kAck, 0,    255};

}  // namespace

void Attacker::attack(uint64_t packets, uint64_t gap_ns) {
  if (packets == 0) return;
  world_.dam().receive(kFrontPort, next_packet());
  environment_.queue.after(random_.below(2 * gap_ns),
                           [this, packets, gap_ns] { attack(packets - 1, gap_ns); });
}

Bytes Attacker::next_packet() {
  switch (random_.below(8)) {
    case 0:
      return as_a_server();
    case 1:
      return forged_error();
    case 2:
      return rubbish();
    case 3:
    case 4:
      return flood();
    default:
      return blind();
  }
}

dam_address Attacker::anybody(uint8_t family) {
  const auto host = static_cast<uint8_t>(random_.between(1, 250));
  return family == 4 ? make_v4(203, 0, 113, host) : make_v6(0xbad, host);
}

const Connection& Attacker::victim() {
  auto& all = world_.book().all();
  return all[random_.below(all.size())];
}

Bytes Attacker::flood() {
  const uint8_t family = random_.chance(0.5) ? 4 : 6;
  const uint8_t flags = random_.chance(0.7) ? uint8_t{kSyn} : kFlags[random_.below(9)];
  return make_segment(anybody(family), static_cast<uint16_t>(random_.next()),
                      public_address(family), kListenerPorts[random_.below(3)],
                      static_cast<uint32_t>(random_.next()), static_cast<uint32_t>(random_.next()),
                      flags, flags == kSyn ? 0 : static_cast<uint32_t>(random_.below(300)));
}

// In the name of a client, with numbers that are guessed.
Bytes Attacker::blind() {
  const Connection& c = victim();
  const uint8_t flags = kFlags[random_.below(9)];
  return make_segment(client_address(c.client, c.family), c.client_port, public_address(c.family),
                      c.listener_port, static_cast<uint32_t>(random_.next()),
                      static_cast<uint32_t>(random_.next()), flags,
                      flags == kSyn ? 0 : static_cast<uint32_t>(random_.below(300)));
}

// From outside, in the name of a server: no packet of its comes by there.
Bytes Attacker::as_a_server() {
  const uint8_t family = random_.chance(0.5) ? 4 : 6;
  const bool management = random_.chance(0.3);
  const dam_address dam = family == 4 ? make_v4(198, 18, management ? 20 : 10, 2)
                                      : make_v6(management ? 0x20 : 0x10, 2);
  const auto port = static_cast<uint16_t>(random_.between(20'000, 21'000));
  return make_segment(server_address(management ? kAdminServer : kWebServer, family), kTlsPort, dam,
                      port, static_cast<uint32_t>(random_.next()),
                      static_cast<uint32_t>(random_.next()), kFlags[random_.below(9)],
                      static_cast<uint32_t>(random_.below(100)));
}

// "Too big", about a segment that the dam may have sent to a client.
Bytes Attacker::forged_error() {
  const Connection& c = victim();
  const Bytes quoted = make_segment(
      public_address(c.family), c.listener_port, client_address(c.client, c.family), c.client_port,
      static_cast<uint32_t>(random_.next()), static_cast<uint32_t>(random_.next()), kAck, 400);
  return too_big_error(quoted, static_cast<uint16_t>(random_.below(1500)), anybody(c.family));
}

Bytes Attacker::rubbish() {
  Bytes packet = random_.chance(0.5) ? blind() : flood();
  for (uint64_t i = random_.between(1, 6); i > 0; --i) {
    packet[random_.below(packet.size())] = static_cast<uint8_t>(random_.next());
  }
  if (random_.chance(0.5)) set_checksums(packet);
  if (random_.chance(0.3)) packet.resize(random_.between(1, packet.size()));
  return packet;
}

}  // namespace dam::simulation

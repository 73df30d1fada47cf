// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/threads/peers.h"

#include <algorithm>

#include "dataplane/engine/segment.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/threads/spoken.h"

namespace dam::test {
namespace {

void set_macs(uint8_t* frame, uint8_t port) {
  const uint8_t macs[12] = {2, 0, 0, 0, 0, port, 2, 0, 0, 0, 1, port};
  std::copy(std::begin(macs), std::end(macs), frame);
}

}  // namespace

void Peers::emit(uint8_t port, const Segment& segment) const {
  uint8_t memory[kHeadroom + kFrameBytes];
  Frame frame;
  frame.data = memory + kHeadroom;
  Packet packet;
  if (!write_segment(frame, segment) || frame.bytes > packet.data.size()) return;
  set_macs(frame.data, port);
  packet.port = port;
  packet.bytes = frame.bytes;
  std::copy_n(frame.data, frame.bytes, packet.data.begin());
  send_(packet);
}

void Peers::receive(const Frame& frame) {
  dam_packet packet;
  if (dam_parse(frame.data, frame.data + frame.bytes, &packet) != DAM_DROP_none) return;
  if (packet.kind == DAM_KIND_ARP) return answer_arp(frame);
  if (packet.kind != DAM_KIND_TCP) return;
  const std::span<const uint8_t> payload(frame.data + packet.payload, packet.payload_bytes);
  if (frame.port == kFrontPort) {
    at_client(packet, payload);
  } else {
    at_server(frame.port, packet, payload);
  }
}

// Everybody on a link has its one address.
void Peers::answer_arp(const Frame& frame) {
  Packet reply;
  reply.port = frame.port;
  reply.bytes = frame.bytes;
  std::copy_n(frame.data, frame.bytes, reply.data.begin());
  uint8_t* arp = reply.data.data() + 14;
  if (dam_load_be16(arp + 6) != 1 || std::equal(arp + 14, arp + 18, arp + 24)) return;
  uint8_t asked[4];
  std::copy_n(arp + 24, 4, asked);
  set_macs(reply.data.data(), frame.port);
  dam_store_be16(arp + 6, 2);
  std::copy_n(arp + 8, 10, arp + 18);
  std::copy_n(reply.data.data() + 6, 6, arp + 8);
  std::copy_n(asked, 4, arp + 14);
  send_(reply);
}

Packet Peers::syn_of(Client& client) const {
  Packet made;
  const Peers writer({}, [&made](const Packet& packet) { made = packet; });
  client.next = client.isn + 1;
  Segment syn;
  syn.src = client.address;
  syn.dst = kPublic;
  syn.src_port = dam_hton16(static_cast<uint16_t>(kFirstClientPort + client.id));
  syn.dst_port = dam_hton16(443);
  syn.seq = dam_seq_of(client.isn);
  syn.flags = DAM_TCP_SYN;
  syn.window = 60000;
  syn.mss = 1460;
  syn.sack_permitted = true;
  syn.wscale = 7;
  writer.emit(kFrontPort, syn);
  return made;
}

void Peers::say(Client& client, uint8_t flags, uint32_t count) {
  const std::string said = octets(client.id, false, client.taken, count);
  Segment segment;
  segment.src = client.address;
  segment.dst = kPublic;
  segment.src_port = dam_hton16(static_cast<uint16_t>(kFirstClientPort + client.id));
  segment.dst_port = dam_hton16(443);
  segment.seq = dam_seq_of(client.next);
  segment.ack = dam_seq_of(client.expected);
  segment.flags = flags;
  segment.window = 5000;
  segment.payload = bytes_of(said);
  client.next += count + ((flags & DAM_TCP_FIN) != 0 ? 1 : 0);
  emit(kFrontPort, segment);
}

void Peers::at_client(const dam_packet& packet, std::span<const uint8_t> payload) {
  const uint32_t id = dam_ntoh16(packet.dst_port) - kFirstClientPort;
  if (id >= clients_.size()) return;
  Client& client = clients_[id];
  if ((packet.tcp_flags & DAM_TCP_RST) != 0) {
    tally_.reset += client.reset ? 0 : 1;
    client.reset = true;
    return;
  }
  if ((packet.tcp_flags & DAM_TCP_SYN) != 0) {
    client.expected = packet.seq.value + 1;
    const std::string hello = client_hello(client.server_name);
    Segment segment;
    segment.src = client.address;
    segment.dst = kPublic;
    segment.src_port = packet.dst_port;
    segment.dst_port = packet.src_port;
    segment.seq = dam_seq_of(client.next);
    segment.ack = dam_seq_of(client.expected);
    segment.flags = kAck;
    segment.window = 5000;
    segment.payload = bytes_of(hello);
    client.next += static_cast<uint32_t>(hello.size());
    return emit(kFrontPort, segment);
  }
  if (!payload.empty()) {
    tally_.wrong += packet.seq.value != client.expected ? 1 : 0;
    tally_.wrong += count_wrong(payload, client.id, true, client.taken);
    client.expected += static_cast<uint32_t>(payload.size());
    client.taken += static_cast<uint32_t>(payload.size());
    if (client.taken % kMessageBytes == 0) go_on(client);
  }
  if ((packet.tcp_flags & DAM_TCP_FIN) == 0) return;
  ++client.expected;
  tally_.wrong += client.taken != kTalkRounds * kMessageBytes ? 1 : 0;
  ++tally_.finished;
  say(client, kAck, 0);
}

void Peers::go_on(Client& client) {
  if (client.script == Script::talk) {
    const bool more = client.taken < kTalkRounds * kMessageBytes;
    return more ? say(client, kAck, kMessageBytes) : say(client, kAck | DAM_TCP_FIN, 0);
  }
  ++tally_.finished;
  if (client.script == Script::blast) loaded_.push_back(&client);
}

void Peers::fire() {
  for (Client* client : loaded_) {
    for (uint32_t i = 0; i < kBlastSegments; ++i) say(*client, kAck, 1);
    tally_.blasted += kBlastSegments;
  }
  loaded_.clear();
}

}  // namespace dam::test

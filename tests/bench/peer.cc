// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/peer.h"

#include <cstring>
#include <utility>

namespace dam::bench {
namespace {

constexpr uint32_t kNobody = 0xffffffff;

// A client of today without timestamps (Windows' default): MSS 1460, window scale 8, SACK
// permitted.
constexpr uint8_t kSynOptions[] = {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2};

constexpr uint8_t kProxyV2[] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
constexpr uint32_t kProxyV2Ipv4 =
    28;  // signature, version, family, length, two addresses and ports

uint32_t client_isn(uint32_t flow) { return flow * 2654435761u; }
uint32_t server_isn(uint32_t pair, uint16_t port) { return (pair << 16 | port) * 2246822519u; }

// Numbers the pairs of a server and one of the dam's addresses.
uint32_t pair_of(uint32_t server, uint32_t local) {
  const uint32_t server_index = server - kFirstServer;
  const uint32_t local_index = local - kDamBack;
  return server_index < kMostServers && local_index < kDamBacks
             ? server_index * kDamBacks + local_index
             : kNobody;
}

uint32_t client_address(uint32_t flow) { return kFirstClient + flow % kSources; }
uint16_t client_port(uint32_t flow) {
  return static_cast<uint16_t>(kFirstClientPort + flow / kSources);
}

uint32_t flow_of(uint32_t address, uint16_t port, uint32_t flows) {
  const uint64_t flow = uint64_t{static_cast<uint16_t>(port - kFirstClientPort)} * kSources +
                        (address - kFirstClient);
  return address - kFirstClient < kSources && flow < flows ? static_cast<uint32_t>(flow) : kNobody;
}

void send(Outbox& out, uint8_t port, const TcpFields& tcp) {
  Frame& frame = out.next(port);
  frame.bytes = write_tcp(frame.data, kDamMac[port], kPeerMac[port], tcp);
}

// What the addressee of `tcp` would answer with.
TcpFields reply_to(const TcpFields& tcp, uint32_t seq, uint8_t flags) {
  const auto octets =
      static_cast<uint32_t>(tcp.payload.size() + ((tcp.flags & (kSyn | kFin)) != 0));
  return {.src = tcp.dst,
          .dst = tcp.src,
          .src_port = tcp.dst_port,
          .dst_port = tcp.src_port,
          .seq = seq,
          .ack = tcp.seq + octets,
          .flags = flags};
}

}  // namespace

Frame& Outbox::next(uint8_t port) {
  ready.push_back(spare.back());
  spare.pop_back();
  ready.back().port = port;
  ready.back().checksum = RxChecksum::good;
  return ready.back();
}

Peer::Peer(uint32_t flows, uint32_t servers, std::vector<uint8_t> hello)
    : connections_(flows), owner_(servers * kDamBacks << 16, kNobody), hello_(std::move(hello)) {}

TcpFields Peer::client_fields(uint32_t flow) const {
  return {.src = client_address(flow),
          .dst = kDamFront,
          .src_port = client_port(flow),
          .dst_port = kServicePort,
          .seq = connections_[flow].client_next,
          .ack = connections_[flow].client_ack,
          .flags = kAck};
}

void Peer::send_syn(uint32_t flow, Goal goal, Outbox& out) {
  connections_[flow] = {.client_next = client_isn(flow), .stage = Stage::syn_sent, .goal = goal};
  TcpFields syn = client_fields(flow);
  syn.flags = kSyn;
  syn.options = kSynOptions;
  send(out, kFrontPort, syn);
}

void Peer::send_reset(uint32_t flow, uint32_t unnoted_bytes, Outbox& out) {
  TcpFields reset = client_fields(flow);
  reset.seq += unnoted_bytes;
  reset.flags = kRst | kAck;
  send(out, kFrontPort, reset);
}

void Peer::receive(uint8_t port, std::span<const uint8_t> frame, Outbox& out) {
  TcpFields tcp;
  if (read_tcp(frame, tcp)) {
    resets_ += (tcp.flags & kRst) != 0;
    if (port == kFrontPort) return from_listener(tcp, out);
    return to_server(tcp, out);
  }
  uint8_t reply[64];
  if (const uint16_t bytes = answer_arp(frame, kPeerMac[port], reply)) {
    Frame& answer = out.next(port);
    std::memcpy(answer.data, reply, bytes);
    answer.bytes = bytes;
  }
}

void Peer::from_listener(const TcpFields& tcp, Outbox& out) {
  const uint32_t flow = flow_of(tcp.dst, tcp.dst_port, flows());
  if (flow == kNobody || tcp.flags != (kSyn | kAck)) return;
  Connection& connection = connections_[flow];
  if (connection.stage != Stage::syn_sent) return;
  ++cookies_;
  connection.client_next = tcp.ack;
  connection.client_ack = tcp.seq + 1;
  if (connection.goal == Goal::cookie) return;
  connection.stage = Stage::acked;
  send(out, kFrontPort, client_fields(flow));
  if (connection.goal == Goal::hello || hello_.empty()) return;
  TcpFields hello = client_fields(flow);
  hello.payload = hello_;
  send(out, kFrontPort, hello);
  connection.client_next += static_cast<uint32_t>(hello_.size());
}

void Peer::to_server(const TcpFields& tcp, Outbox& out) {
  const uint32_t pair = pair_of(tcp.dst, tcp.src);
  if (pair == kNobody || (tcp.flags & kRst)) return;
  const uint32_t isn = server_isn(pair, tcp.src_port);
  if (tcp.flags & kSyn) {
    TcpFields syn_ack = reply_to(tcp, isn, kSyn | kAck);
    syn_ack.options = kSynOptions;
    send(out, kBackPort, syn_ack);
  } else if (!tcp.payload.empty() || (tcp.flags & kFin)) {
    server_learns(tcp);
    send(out, kBackPort, reply_to(tcp, isn + 1, kAck));
  }
}

// The PROXY header says whose connection this is: in bursts there is no other way to know.
void Peer::server_learns(const TcpFields& tcp) {
  const uint32_t pair = pair_of(tcp.dst, tcp.src);
  uint32_t& owner = owner_[pair << 16 | tcp.src_port];
  const uint8_t* header = tcp.payload.data();
  if (tcp.payload.size() >= kProxyV2Ipv4 && std::memcmp(header, kProxyV2, sizeof kProxyV2) == 0) {
    const auto port = static_cast<uint16_t>(header[24] << 8 | header[25]);
    owner = flow_of(get32(header + 16), port, flows());
  }
  if (owner == kNobody) return;
  Connection& connection = connections_[owner];
  spliced_ += connection.stage != Stage::spliced;
  connection.stage = Stage::spliced;
  connection.pair = static_cast<uint8_t>(pair);
  connection.dam_port = tcp.src_port;
  connection.server_ack = tcp.seq + static_cast<uint32_t>(tcp.payload.size());
}

uint16_t Peer::write_cookie_ack(uint32_t flow, uint8_t* out) const {
  return write_tcp(out, kDamMac[kFrontPort], kPeerMac[kFrontPort], client_fields(flow));
}

uint16_t Peer::write_client_data(uint32_t flow, std::span<const uint8_t> payload, uint32_t offset,
                                 uint8_t* out) const {
  TcpFields tcp = client_fields(flow);
  tcp.seq += offset;
  tcp.payload = payload;
  return write_tcp(out, kDamMac[kFrontPort], kPeerMac[kFrontPort], tcp);
}

uint16_t Peer::write_server_data(uint32_t flow, std::span<const uint8_t> payload,
                                 uint8_t* out) const {
  const Connection& connection = connections_[flow];
  const TcpFields tcp = {.src = kFirstServer + connection.pair / kDamBacks,
                         .dst = kDamBack + connection.pair % kDamBacks,
                         .src_port = kServicePort,
                         .dst_port = connection.dam_port,
                         .seq = server_isn(connection.pair, connection.dam_port) + 1,
                         .ack = connection.server_ack,
                         .flags = kAck,
                         .payload = payload};
  return write_tcp(out, kDamMac[kBackPort], kPeerMac[kBackPort], tcp);
}

}  // namespace dam::bench

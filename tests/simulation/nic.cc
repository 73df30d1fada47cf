// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/nic.h"

#include <algorithm>

extern "C" {
#include <lwip/priv/tcp_priv.h>
}

namespace dam::simulation {

Nic::Nic(Environment& environment, LwipStack& stack, netif* host, Link& uplink)
    : environment_(environment), stack_(stack), host_(host), uplink_(uplink) {
  stack_.set_output(host, [this](Bytes packet) { send(std::move(packet)); });
}

Nic::Key Nic::key_of(const dam_address& local, uint16_t local_port, const dam_address& remote,
                     uint16_t remote_port) {
  const auto [a, b] = address_words(local);
  const auto [c, d] = address_words(remote);
  return {a, b, local_port, c, d, remote_port};
}

std::shared_ptr<NicConnection> Nic::find(const dam_address& local, uint16_t local_port,
                                         const dam_address& remote, uint16_t remote_port) const {
  const auto found = connections_.find(key_of(local, local_port, remote, remote_port));
  return found == connections_.end() ? nullptr : found->second;
}

void Nic::broken(const std::string& what, const TcpView& view) {
  environment_.broken(what + ", at " + text_of(view.dst) + ":" + std::to_string(view.dst_port) +
                      " from " + text_of(view.src) + ":" + std::to_string(view.src_port));
}

uint32_t Nic::clock(const NicConnection& connection) const {
  return connection.clock_base + static_cast<uint32_t>(environment_.now_ns() / kMs) * kTicksPerMs;
}

// A SYN with a number of its own begins anew: a server's too, which forgot the connection and met
// an old duplicate of its client's SYN.
NicConnection& Nic::outgoing(const TcpView& view) {
  auto& slot = connections_[key_of(view.src, view.src_port, view.dst, view.dst_port)];
  const bool other = slot && slot->iss != view.seq && (!view.has(kAck) || slot->answered);
  if (!slot || (view.has(kSyn) && other)) {
    auto fresh = std::make_shared<NicConnection>();
    if (slot) fresh->note_another(environment_.now_ns());
    if (slot && slot->at_server) {
      fresh->at_server = true;
      fresh->irs = slot->irs;
      fresh->ts_recent = slot->ts_recent;
      fresh->peer_timestamps = slot->peer_timestamps;
      fresh->peer_sack = slot->peer_sack;
    }
    slot = std::move(fresh);
    slot->clock_base = static_cast<uint32_t>(environment_.random.next());
    slot->first_tsval = slot->last_tsval = clock(*slot);
    slot->offered_timestamps = features.timestamps;
    slot->offered_sack = features.sack;
  }
  if (view.has(kSyn)) slot->iss = slot->sent_end = view.seq;
  const uint32_t end = view.seq + view.length();
  if (view.has(kFin)) {
    slot->fin_moved |= slot->fin_end != 0 && slot->fin_end != end;
    slot->fin_end = end;
  }
  if (is_before(slot->sent_end, end)) slot->sent_end = end;
  return *slot;
}

// A server's stack still answers a SYN whose client has begun anew meanwhile.
bool Nic::is_forgotten(const TcpView& view) const {
  if (!view.has(kSyn) || !view.has(kAck)) return false;
  const auto connection = find(view.src, view.src_port, view.dst, view.dst_port);
  return connection && connection->at_server && view.ack != connection->irs + 1;
}

void Nic::send(Bytes packet) {
  const auto view = view_tcp(packet);
  if (dead || !view) return;
  const bool known = find(view->src, view->src_port, view->dst, view->dst_port) != nullptr;
  if (!view->has(kRst) && (known || view->has(kSyn)) && !is_forgotten(*view)) {
    write_options(packet, *view, outgoing(*view));
  }
  cut_to_path(std::move(packet));
}

void Nic::write_options(Bytes& packet, const TcpView& view, NicConnection& connection) {
  TcpOptions options = read_options(packet, view);
  const bool answer = view.has(kSyn | kAck);
  if (view.has(kSyn)) {
    options.sack_permitted = features.sack && (!answer || connection.peer_sack);
    connection.offered_sack = options.sack_permitted;
    connection.offered_timestamps = features.timestamps && (!answer || connection.peer_timestamps);
    if (answer) connection.answered = true;
  }
  if (view.has(kSyn) ? connection.offered_timestamps : connection.timestamps()) {
    connection.last_tsval = clock(connection);
    if (answer) connection.first_tsval = connection.last_tsval;
    options.timestamps = {connection.last_tsval, view.has(kAck) ? connection.ts_recent : 0};
  }
  if (view.has(kAck)) connection.last_ack_sent = view.ack;
  if (connection.sack() && !view.has(kSyn) && view.payload_bytes() == 0) {
    tell_islands(options, view, connection);
  }
  replace_options(packet, options);
}

// RFC 2018: what has come behind a gap, as lwIP's own queue says. A server tells it once it is
// known whose connection it is, so that the other end can be asked.
void Nic::tell_islands(TcpOptions& options, const TcpView& view, NicConnection& connection) const {
  const tcp_pcb* pcb = LwipStack::find(view.src, view.src_port, view.dst, view.dst_port);
  if (pcb == nullptr || connection.other == nullptr) return;
  for (const tcp_seg* segment = pcb->ooseq; segment != nullptr; segment = segment->next) {
    if (segment->len == 0) continue;
    const uint32_t left = segment->tcphdr->seqno;
    const uint32_t right = left + segment->len;
    if (!options.sack.empty() && options.sack.back().second == left) {
      options.sack.back().second = right;
    } else if (options.sack.size() < 3) {
      options.sack.emplace_back(left, right);
    }
  }
  const uint32_t first = connection.irs + 1;
  for (const auto& [left, right] : options.sack)
    connection.told.emplace(left - first, right - first);
}

void Nic::receive(Bytes packet) {
  const auto ip = view_ip(packet.data(), packet.size());
  if (dead || !ip || !checksums_hold(packet)) return;
  const bool icmp = ip->protocol == kProtocolIcmp || ip->protocol == kProtocolIcmp6;
  if (icmp) return take_error(packet, *ip);
  const auto view = view_tcp(packet);
  if (!view || !take_options(packet, *view)) return;
  if (view->has(kSyn) && !view->has(kAck)) LwipStack::reopen(*view);
  stack_.input(host_, packet);
}

// RFC 5961 4: a SYN amid a connection that stands, an old duplicate say, is answered with its next
// ACK, and begins nothing.
bool Nic::is_amid_one(const TcpView& syn) {
  const tcp_pcb* pcb = LwipStack::find(syn.dst, syn.dst_port, syn.src, syn.src_port);
  return pcb != nullptr && pcb->state >= ESTABLISHED;
}

// False: the host takes no notice of the segment.
bool Nic::take_options(Bytes& packet, const TcpView& view) {
  TcpOptions options = read_options(packet, view);
  const Key key = key_of(view.dst, view.dst_port, view.src, view.src_port);
  if (view.has(kSyn) && !view.has(kAck)) {
    auto& slot = connections_[key];
    if (!slot || (slot->irs != view.seq && !is_amid_one(view))) {
      slot = std::make_shared<NicConnection>();
      slot->at_server = true;
      slot->clock_base = static_cast<uint32_t>(environment_.random.next());
      slot->first_tsval = slot->last_tsval = clock(*slot);
    }
  }
  const auto found = connections_.find(key);
  if (found != connections_.end()) {
    NicConnection& connection = *found->second;
    const bool had_answer = connection.answered;
    connection.stray_reset |= view.has(kRst) && !view.has(kAck);
    const bool fits = !view.has(kAck) || view.ack == connection.iss + 1;
    if (view.has(kSyn) && !connection.answered && fits) {
      connection.irs = view.seq;
      connection.peer_timestamps = options.timestamps.has_value();
      connection.peer_sack = options.sack_permitted;
      if (options.timestamps) connection.ts_recent = options.timestamps->first;
      if (view.has(kAck)) connection.answered = true;
    }
    // What acknowledges another connection's numbers is for lwIP to refuse.
    const bool its_own = environment_.now_ns() >= connection.old_until_ns &&
                         (!view.has(kAck) || view.ack - connection.iss < 1u << 28);
    const bool repeated = view.has(kSyn) && had_answer;
    if (its_own && !repeated) {
      if (!check_timestamps(options, view, connection)) {
        LwipStack::acknowledge(view);
        return false;
      }
      check_sack(options, view, connection);
      check_ack(view, connection);
      check_header(packet, view, connection);
    }
    if (view.has(kSyn) && connection.offered_timestamps && options.timestamps && options.mss) {
      options.mss = static_cast<uint16_t>(*options.mss - 12);  // RFC 6691: options take room
    }
  }
  options.timestamps.reset();
  options.sack_permitted = false;
  options.sack.clear();
  replace_options(packet, options);
  return true;
}

}  // namespace dam::simulation

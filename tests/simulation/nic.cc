// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/nic.h"

#include <algorithm>
#include <cstring>

extern "C" {
#include <lwip/priv/tcp_priv.h>
}

namespace dam::simulation {

namespace {

constexpr uint32_t kOldestEcho = 1u << 25;  // its clock may have jumped
constexpr uint32_t kTicksPerMs = 7;  // a TSecr that is off by a little is no tick of this clock

std::pair<uint64_t, uint64_t> words_of(const dam_address& address) {
  uint64_t words[2];
  std::memcpy(words, &address, sizeof words);
  return {words[0], words[1]};
}

bool before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

}  // namespace

Nic::Nic(Environment& environment, LwipStack& stack, netif* host, Link& uplink)
    : environment_(environment), stack_(stack), host_(host), uplink_(uplink) {
  stack_.set_output(host, [this](Bytes packet) { send(std::move(packet)); });
}

Nic::Key Nic::key_of(const dam_address& local, uint16_t local_port, const dam_address& remote,
                     uint16_t remote_port) {
  const auto [a, b] = words_of(local);
  const auto [c, d] = words_of(remote);
  return {a, b, local_port, c, d, remote_port};
}

std::shared_ptr<NicConnection> Nic::find(const dam_address& local, uint16_t local_port,
                                         const dam_address& remote, uint16_t remote_port) {
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
    if (slot) fresh->old_until_ns = environment_.now_ns() + 5 * kSecond;
    if (slot && slot->at_server) {
      fresh->at_server = true;
      fresh->irs = slot->irs;
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
  if (before(slot->sent_end, end)) slot->sent_end = end;
  return *slot;
}

void Nic::send(Bytes packet) {
  const auto view = view_tcp(packet);
  if (dead || !view) return;
  const bool known = find(view->src, view->src_port, view->dst, view->dst_port) != nullptr;
  if (!view->has(kRst) && (known || view->has(kSyn))) {
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

void Nic::cut_to_path(Bytes packet) {
  const auto view = view_tcp(packet);
  if (packet[0] >> 4 == 4) {  // RFC 1191: nobody on the way may cut it
    packet[6] |= 0x40;
    set_checksums(packet);
  }
  const auto found = path_mtu_.find(words_of(view->dst));
  if (found != path_mtu_.end() && packet.size() > found->second && view->payload_bytes() > 1) {
    const uint32_t room = found->second - view->payload;
    auto [first, rest] = split_segment(packet, std::min(room, view->payload_bytes() - 1));
    uplink_.send(std::move(first));
    return cut_to_path(std::move(rest));
  }
  uplink_.send(std::move(packet));
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

// RFC 1191 and 8201; what it quotes must be a packet of this host's.
void Nic::take_error(const Bytes& packet, const IpView& view) {
  const uint8_t* icmp = packet.data() + view.l4;
  const bool too_big = view.family == 4 ? icmp[0] == 3 && icmp[1] == 4 : icmp[0] == 2;
  const auto quoted = view_tcp(icmp + 8, packet.size() - view.l4 - 8, true);
  if (!too_big || !quoted) return;
  const tcp_pcb* pcb =
      LwipStack::find(quoted->src, quoted->src_port, quoted->dst, quoted->dst_port);
  const auto connection = find(quoted->src, quoted->src_port, quoted->dst, quoted->dst_port);
  if (!connection && hostile) return;
  if (!connection) return broken("an ICMP error quotes what was never sent", *quoted);
  const bool stands = pcb != nullptr && pcb->state >= ESTABLISHED;
  if (stands && (before(quoted->seq, connection->iss) || before(pcb->snd_nxt, quoted->seq))) {
    if (hostile) return;
    broken("an ICMP error quotes a number that was never sent", *quoted);
  }
  const uint32_t mtu = view.family == 4 ? load16(icmp + 6) : load32(icmp + 4);
  const uint32_t least = view.family == 4 ? 576 : 1280;
  path_mtu_[words_of(quoted->dst)] = static_cast<uint16_t>(std::max(mtu, least));
}

// False: the host takes no notice of the segment.
bool Nic::take_options(Bytes& packet, const TcpView& view) {
  TcpOptions options = read_options(packet, view);
  const Key key = key_of(view.dst, view.dst_port, view.src, view.src_port);
  if (view.has(kSyn) && !view.has(kAck)) {
    auto& slot = connections_[key];
    if (!slot || slot->irs != view.seq) {
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
      if (!check_timestamps(options, view, connection)) return false;
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

// RFC 7323 3.2 and 5.3. False: an old duplicate.
bool Nic::check_timestamps(const TcpOptions& options, const TcpView& view,
                           NicConnection& connection) {
  if (!connection.answered || !connection.timestamps() || view.has(kRst)) return true;
  if (!options.timestamps) {
    broken("a segment without the timestamps that were agreed", view);
    return true;
  }
  const auto [tsval, tsecr] = *options.timestamps;
  // What a client echoes of the dam's own clock, from before its server answered, is older than
  // anything that the server sent; newer servers' kernels only mind it in SYN-RECEIVED.
  const bool of_the_dam = connection.at_server && connection.first_tsval - tsecr < kOldestEcho;
  if (view.has(kAck) && !of_the_dam &&
      (before(tsecr, connection.first_tsval) || before(connection.last_tsval, tsecr) ||
       (tsecr - connection.clock_base) % kTicksPerMs != 0)) {
    broken("TSecr " + std::to_string(tsecr) + " was never sent (clock " +
               std::to_string(connection.first_tsval) + " to " +
               std::to_string(connection.last_tsval) + ")",
           view);
  }
  if (view.has(kSyn)) return true;
  if (before(tsval, connection.ts_recent)) return false;
  const bool old = before(view.seq + view.length(), connection.last_ack_sent);
  if (!old && !before(connection.last_ack_sent, view.seq)) connection.ts_recent = tsval;
  return true;
}

// Exactly what the other end told, in this end's numbers.
void Nic::check_sack(const TcpOptions& options, const TcpView& view,
                     const NicConnection& connection) {
  for (const auto& [left, right] : options.sack) {
    if (connection.other == nullptr) return broken("SACK before there was anything to tell", view);
    const uint32_t shift = connection.at_server ? 0 : connection.other->longer_here;
    const uint32_t first = connection.iss + 1 - shift;
    if (!connection.other->told.contains({left - first, right - first})) {
      broken("SACK " + std::to_string(left) + "-" + std::to_string(right) + " was never told",
             view);
    }
  }
}

// Nobody may hear of octets that it did not send, nor a server that its client has what it has not.
void Nic::check_ack(const TcpView& view, const NicConnection& connection) {
  if (!view.has(kAck) || view.has(kRst) || !connection.answered) return;
  if (before(view.ack, connection.iss + 1) || before(connection.sent_end, view.ack)) {
    return broken("an ACK of what was never sent", view);
  }
  if (!connection.at_server || connection.other == nullptr) return;
  const NicConnection& client = *connection.other;
  const uint32_t has = client.last_ack_sent - (client.irs + 1);
  const uint32_t told = view.ack - (connection.iss + 1);
  if (before(has, told)) broken("an ACK of what the client has not", view);
}

// nginx and HAProxy reset a connection whose PROXY header comes in two segments: it leaves whole
// and is sent again whole.
void Nic::check_header(const Bytes& packet, const TcpView& view, NicConnection& connection) {
  const uint32_t offset = view.seq - (connection.irs + 1);
  if (!expects_header || !connection.at_server || view.has(kSyn) || view.payload_bytes() == 0) {
    return;
  }
  const Bytes payload(packet.begin() + view.payload, packet.begin() + view.end);
  if (offset == 0 && connection.opening.empty()) {
    connection.opening = payload;
  } else if (offset == 0 && payload != connection.opening) {
    broken("the PROXY header was sent again as something else", view);
  } else if (offset < connection.opening.size() && offset != 0) {
    broken("a piece of the PROXY header came by itself", view);
  }
}

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// Path MTU discovery: segments cut to the path, and what routers say of it.
#include <algorithm>
#include <cstring>

#include "tests/simulation/nic.h"

namespace dam::simulation {

std::pair<uint64_t, uint64_t> address_words(const dam_address& address) {
  uint64_t words[2];
  std::memcpy(words, &address, sizeof words);
  return {words[0], words[1]};
}

void Nic::cut_to_path(Bytes packet) {
  const auto view = view_tcp(packet);
  if (packet[0] >> 4 == 4) {  // RFC 1191: nobody on the way may cut it
    packet[6] |= 0x40;
    set_checksums(packet);
  }
  const auto found = path_mtu_.find(address_words(view->dst));
  if (found != path_mtu_.end() && packet.size() > found->second && view->payload_bytes() > 1) {
    const uint32_t room = found->second - view->payload;
    auto [first, rest] = split_segment(packet, std::min(room, view->payload_bytes() - 1));
    uplink_.send(std::move(first));
    return cut_to_path(std::move(rest));
  }
  uplink_.send(std::move(packet));
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
  const bool alone = environment_.now_ns() >= connection->old_until_ns;
  const bool stands = alone && pcb != nullptr && pcb->state >= ESTABLISHED;
  if (stands && (is_before(quoted->seq, connection->iss) || is_before(pcb->snd_nxt, quoted->seq))) {
    if (hostile) return;
    broken("an ICMP error quotes a number that was never sent", *quoted);
  }
  const uint32_t mtu = view.family == 4 ? load16(icmp + 6) : load32(icmp + 4);
  const uint32_t least = view.family == 4 ? 576 : 1280;
  path_mtu_[address_words(quoted->dst)] = static_cast<uint16_t>(std::max(mtu, least));
}

}  // namespace dam::simulation

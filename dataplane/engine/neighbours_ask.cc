// SPDX-License-Identifier: BSD-3-Clause
// What worker 0 asks and announces; the answers are in neighbours_answer.cc.
#include "dataplane/engine/neighbours.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/engine/link_messages.h"
#include "dataplane/engine/neighbours_table.h"

namespace dam {

namespace {

// A link that has just come up loses frames: who is not known yet is asked again soon, a few times,
// and then no more than RFC 1122 2.3.2.1 and RFC 4861 10 (RETRANS_TIMER) have it.
constexpr std::array<uint64_t, 4> kFirstPausesNs{50'000'000, 100'000'000, 200'000'000, 400'000'000};
constexpr uint64_t kAskEveryNs = 1'000'000'000;
constexpr uint64_t kRefreshNs = 30'000'000'000;
constexpr uint8_t kMostUnanswered = 3;  // to the one that is known; then everybody is asked
constexpr uint8_t kMostUnansweredAtFirst = kFirstPausesNs.size() + 2;  // 1.75 s
constexpr uint8_t kMostASecond = 30;                                   // then every kRefreshNs
constexpr uint64_t kScanEveryNs = 100'000'000;
constexpr uint64_t kHurriedScanNs = 10'000'000;  // while somebody is in his first pauses

}  // namespace

void Neighbours::tick(uint64_t now_ns, Output& output) {
  if (std::find(by_host_.begin(), by_host_.end(), false) == by_host_.end()) return;
  spares_left_ = std::min(kSparesATick, output.spare.count);
  announce(output);
  const bool wanted = attention_.exchange(0, std::memory_order_acq_rel) != 0;
  if (!wanted && now_ns - scanned_ns_ < (hurried_ ? kHurriedScanNs : kScanEveryNs)) return;
  scanned_ns_ = now_ns;
  hurried_ = false;
  for (const uint16_t& slot : order_.all()) {
    const uint16_t id = __atomic_load_n(&slot, __ATOMIC_ACQUIRE);
    if (id == 0 && &slot >= order_.data() + used()) break;
    if (id == 0 || by_host_[neighbours_[id - 1u].interface]) continue;
    attend(neighbours_[id - 1u], now_ns, output);
  }
}

void Neighbours::attend(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  if (load_shared(mac_of(neighbour)) == kUnknownMac)
    return attend_unknown(neighbour, now_ns, output);
  const uint8_t unanswered = load_shared(neighbour.unanswered);
  if (unanswered == 0 && now_ns < load_shared(neighbour.confirmed_ns) + kRefreshNs) return;
  const uint64_t pause_ns = unanswered >= kMostASecond ? kRefreshNs : kAskEveryNs;
  if (unanswered != 0 && now_ns < neighbour.asked_ns + pause_ns) return;
  ask(neighbour, now_ns, output);
}

// Whom the policy names is asked for whether a packet waits or not; the others for a packet only.
void Neighbours::attend_unknown(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  const bool wanted = load_shared(neighbour.wanted) != 0;
  if (!wanted && load_shared(neighbour.named) == 0) return;
  const uint8_t asked = load_shared(neighbour.unanswered);
  uint64_t pause_ns = !wanted && asked >= kMostASecond ? kRefreshNs : kAskEveryNs;
  if (asked == 0) pause_ns = 0;
  if (asked > 0 && asked <= kFirstPausesNs.size()) pause_ns = kFirstPausesNs[asked - 1u];
  if (now_ns >= neighbour.asked_ns + pause_ns) ask(neighbour, now_ns, output);
  hurried_ |= load_shared(neighbour.unanswered) <= kFirstPausesNs.size();
}

bool Neighbours::is_silent(uint16_t id) const { return is_silent(neighbours_[id]); }

bool Neighbours::is_silent(const Neighbour& neighbour) const {
  const bool known = load_shared(mac_of(neighbour)) != kUnknownMac;
  return load_shared(neighbour.unanswered) >= (known ? kMostUnanswered : kMostUnansweredAtFirst);
}

const dam_address* Neighbours::source_for(uint16_t interface, const dam_address& target) const {
  const dam_address* first = nullptr;
  for (const Subnet& subnet : interfaces_[interface].subnets) {
    if (!same_family(subnet.address, target)) continue;
    if (covers(subnet.address, mask_of(subnet.prefix_bits), target)) return &subnet.address;
    if (first == nullptr) first = &subnet.address;
  }
  return first;
}

// A request to the whole link, or to the one whose address is to be confirmed. One that is silent
// keeps its address: the answers may be what a flood on our way in has pushed out, and packets to
// the gateway must not stop because of it.
void Neighbours::ask(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  const Interface& interface = interfaces_[neighbour.interface];
  const dam_address* source = source_for(neighbour.interface, neighbour.address);
  if (source == nullptr || spares_left_ == 0) return;
  --spares_left_;
  Frame frame = output.spare.frame[--output.spare.count];
  const uint64_t word = is_silent(neighbour) ? kUnknownMac : load_shared(mac_of(neighbour));
  MacAddress known{};
  std::memcpy(known.data(), &word, 6);
  if (dam_address_is_v4(&neighbour.address)) {
    write_arp(frame, interface,
              {kArpRequest, word == kUnknownMac ? kBroadcastMac : known, *source, known,
               neighbour.address});
  } else {
    const dam_address group = solicited_node(neighbour.address);
    const bool unicast = word != kUnknownMac;
    write_ndp(frame, interface,
              {kNeighbourSolicitation, 0, unicast ? known : multicast_mac(group), *source,
               unicast ? neighbour.address : group, neighbour.address});
  }
  output.urgent.add(frame);
  neighbour.asked_ns = std::max<uint64_t>(now_ns, 1);
  store_shared(neighbour.wanted, 0);
  const uint8_t unanswered = load_shared(neighbour.unanswered);
  if (unanswered < 0xff) store_shared(neighbour.unanswered, static_cast<uint8_t>(unanswered + 1));
}

void Neighbours::announce(Output& output) {
  uint32_t done = announced_.load(std::memory_order_acquire);
  const OwnSet& own = *own_.load(std::memory_order_acquire);
  while (done < own.sorted.size() && spares_left_ >= links()) {
    for (uint16_t i = 0; i < links(); ++i) {
      if (!by_host_[i] && owns(i, own.sorted[done])) announce(own.sorted[done], i, output);
    }
    // Fails when a new set was put in place meanwhile: the next tick begins with it.
    if (!announced_.compare_exchange_strong(done, done + 1, std::memory_order_acq_rel)) return;
    ++done;
  }
}

// RFC 5227 3 (an ARP request for oneself), RFC 4861 7.2.6 (an unsolicited advertisement). Only
// where hosts of the link could look for the address.
void Neighbours::announce(const dam_address& address, uint16_t interface, Output& output) {
  const uint16_t home = on_link(address);
  if (home != NextHop::kNone && home != interface) return;
  if (source_for(interface, address) == nullptr) return;
  --spares_left_;
  Frame frame = output.spare.frame[--output.spare.count];
  if (dam_address_is_v4(&address)) {
    write_arp(frame, interfaces_[interface], {kArpRequest, kBroadcastMac, address, {}, address});
  } else {
    const dam_address nodes = all_nodes();
    write_ndp(
        frame, interfaces_[interface],
        {kNeighbourAdvertisement, kNdpOverride, multicast_mac(nodes), address, nodes, address});
  }
  output.urgent.add(frame);
}

}  // namespace dam

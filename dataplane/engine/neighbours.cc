// SPDX-License-Identifier: BSD-3-Clause
// The table of next hops.
#include "dataplane/engine/neighbours.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/engine/neighbours_table.h"

namespace dam {

Neighbours::Neighbours(std::vector<Interface> interfaces, std::span<dam_neighbour> table,
                       std::span<uint64_t> macs, const Kept& kept)
    : interfaces_(std::move(interfaces)),
      on_link_(links_of(interfaces_)),
      neighbours_(table.empty() ? BigArray<Neighbour>(kNeighbourSlots) : BigArray(table)),
      macs_(macs.empty() ? BigArray<uint64_t>(kNeighbourSlots) : BigArray(macs)),
      order_(kCapacity),
      by_host_(interfaces_.size(), false) {
  set_own({});
  for (const Link& link : on_link_) {
    if (!dam_address_is_v4(&link.prefix)) continue;
    const uint32_t last = link.prefix.word[3] | ~link.mask.word[3];
    on_link_v4_.push_back(
        {link.prefix.word[3], link.mask.word[3], last, link.interface, link.bits < 127});
  }
  adopt(kept);
  for (uint16_t i = 0; i < links(); ++i) {
    for (const dam_address& gateway : interfaces_[i].gateways) {
      NextHop& hop = by_gateway_[dam_address_is_v4(&gateway) ? 0 : 1];
      if (hop) continue;
      hop = {i, find_or_make(i, gateway, kCapacity)};
      if (hop) keep_asking(hop.neighbour);
    }
  }
}

NextHop Neighbours::way(const dam_address& destination, uint32_t most) {
  const uint16_t interface = on_link(destination);
  if (interface == NextHop::kNone) return by_gateway_[dam_address_is_v4(&destination) ? 0 : 1];
  return {interface, find_or_make(interface, destination, most)};
}

uint16_t Neighbours::find(uint16_t interface, const dam_address& address) const {
  const uint32_t start = neighbour_slot_of(interface, address);
  for (uint32_t i = 0; i < kNeighbourProbes; ++i) {
    const uint32_t slot = (start + i) % kNeighbourSlots;
    const Neighbour& neighbour = neighbours_[slot];
    const uint32_t state = settled_state(neighbour.state);
    if (state == DAM_NEIGHBOUR_free) return NextHop::kNone;
    if (state == DAM_NEIGHBOUR_ready && neighbour.interface == interface &&
        equal(neighbour.address, address)) {
      return static_cast<uint16_t>(slot);
    }
  }
  return NextHop::kNone;
}

// Makes none while `most` are in use.
uint16_t Neighbours::find_or_make(uint16_t interface, const dam_address& address, uint32_t most) {
  const uint32_t start = neighbour_slot_of(interface, address);
  for (uint32_t i = 0; i < kNeighbourProbes; ++i) {
    const uint32_t slot = (start + i) % kNeighbourSlots;
    const Neighbour& neighbour = neighbours_[slot];
    uint32_t state = settled_state(neighbour.state);
    if (state == DAM_NEIGHBOUR_free) {
      if (used_.load(std::memory_order_relaxed) >= most) return NextHop::kNone;
      if (make(slot, interface, address)) return static_cast<uint16_t>(slot);
      state = settled_state(neighbour.state);
    }
    if (state == DAM_NEIGHBOUR_gone) continue;
    if (state != DAM_NEIGHBOUR_ready) return NextHop::kNone;
    if (neighbour.interface == interface && equal(neighbour.address, address)) {
      return static_cast<uint16_t>(slot);
    }
  }
  return NextHop::kNone;
}

// False: another worker took the slot, or the table is full.
bool Neighbours::make(uint32_t slot, uint16_t interface, const dam_address& address) {
  Neighbour& neighbour = neighbours_[slot];
  uint32_t state = DAM_NEIGHBOUR_free;
  if (!__atomic_compare_exchange_n(&neighbour.state, &state, DAM_NEIGHBOUR_writing, false,
                                   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    return false;
  }
  const uint32_t ticket = used_.fetch_add(1, std::memory_order_relaxed);
  if (ticket >= kCapacity) {
    used_.fetch_sub(1, std::memory_order_relaxed);
    __atomic_store_n(&neighbour.state, DAM_NEIGHBOUR_free, __ATOMIC_RELEASE);
    return false;
  }
  neighbour.address = address;
  neighbour.interface = interface;
  store_shared(neighbour.wanted, 1);
  __atomic_store_n(&neighbour.state, DAM_NEIGHBOUR_ready, __ATOMIC_RELEASE);
  __atomic_store_n(&order_[ticket], static_cast<uint16_t>(slot + 1), __ATOMIC_RELEASE);
  attention_.store(1, std::memory_order_release);
  return true;
}

void Neighbours::keep_asking(uint16_t id) {
  store_shared(neighbours_[id].named, 1);
  attention_.store(1, std::memory_order_release);
}

void Neighbours::want(uint16_t id) const {
  Neighbour& neighbour = neighbours_[id];
  if (load_shared(neighbour.wanted) != 0) return;
  store_shared(neighbour.wanted, 1);
  attention_.store(1, std::memory_order_release);
}

void Neighbours::suggest(uint16_t id, const dam_address& client, const uint8_t* mac) {
  Neighbour& neighbour = neighbours_[id];
  uint64_t known = load_shared(mac_of(neighbour));
  if (known != kUnknownMac || (mac[0] & 1) != 0 || !equal(neighbour.address, client)) return;
  uint64_t word = 0;
  std::memcpy(&word, mac, 6);
  __atomic_compare_exchange_n(&mac_of(neighbour), &known, word | kKnown, false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
}

uint32_t Neighbours::used() const { return used_.load(std::memory_order_relaxed); }

// `override` as in RFC 4861 7.2.5: without it a known address is not replaced by another one.
Neighbours::Learned Neighbours::learn(uint16_t interface, const dam_address& address,
                                      const uint8_t* mac, bool override, uint64_t now_ns) {
  const uint16_t id = find(interface, address);
  const bool group = (mac[0] & 1) != 0;
  const bool zero = std::all_of(mac, mac + 6, [](uint8_t byte) { return byte == 0; });
  if (id == NextHop::kNone || group || zero) return Learned::stranger;
  Neighbour& neighbour = neighbours_[id];
  uint64_t word = 0;
  std::memcpy(&word, mac, 6);
  word |= kKnown;
  const uint64_t known = load_shared(mac_of(neighbour));
  if (!override && known != kUnknownMac && known != word) return Learned::news;
  store_shared(mac_of(neighbour), word);
  return confirm(id, now_ns) ? Learned::answer : Learned::news;
}

// True: there was a request under way.
bool Neighbours::confirm(uint16_t id, uint64_t now_ns) {
  Neighbour& neighbour = neighbours_[id];
  store_shared(neighbour.confirmed_ns, now_ns);
  if (load_shared(neighbour.unanswered) == 0) return false;
  store_shared(neighbour.unanswered, 0);
  return true;
}

void Neighbours::set_mac(uint16_t interface, const dam_address& address, const MacAddress& mac) {
  learn(interface, address, mac.data(), true, 0);
}

bool Neighbours::is_way(const NextHop& hop) const {
  return hop.neighbour < kNeighbourSlots &&
         neighbours_[hop.neighbour].state == DAM_NEIGHBOUR_ready &&
         neighbours_[hop.neighbour].interface == hop.interface;
}

}  // namespace dam

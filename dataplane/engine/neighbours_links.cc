// SPDX-License-Identifier: BSD-3-Clause
// Which addresses are the dam's own, and which lie on which of its links.
#include "dataplane/engine/neighbours.h"

#include <algorithm>
#include <utility>

#include "dataplane/engine/neighbours_table.h"

namespace dam {

namespace {

// Any order serves, if it is quick.
bool less(const dam_address& a, const dam_address& b) {
  const uint64_t first_a = dam_load64(&a.word[0]);
  const uint64_t first_b = dam_load64(&b.word[0]);
  return first_a != first_b ? first_a < first_b : dam_load64(&a.word[2]) < dam_load64(&b.word[2]);
}

}  // namespace

Neighbours::OwnSet::OwnSet(std::vector<dam_address> addresses) : sorted(std::move(addresses)) {
  std::sort(sorted.begin(), sorted.end(), less);
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
  for (const dam_address& address : sorted) {
    filter[bit_of(address) / 64] |= uint64_t{1} << bit_of(address) % 64;
  }
}

void Neighbours::set_own(std::vector<dam_address> listeners) {
  for (const Interface& interface : interfaces_) {
    for (const Subnet& subnet : interface.subnets) listeners.push_back(subnet.address);
  }
  auto fresh = std::make_unique<const OwnSet>(std::move(listeners));
  if (!kept_.empty()) {
    const std::vector<dam_address>& before = kept_.back()->sorted;
    if (std::equal(fresh->sorted.begin(), fresh->sorted.end(), before.begin(), before.end(),
                   equal)) {
      return;
    }
  }
  kept_.push_back(std::move(fresh));
  own_.store(kept_.back().get(), std::memory_order_release);
  announced_.store(0, std::memory_order_release);
}

bool Neighbours::is_own(const dam_address& address) const {
  const OwnSet& own = *own_.load(std::memory_order_acquire);
  const uint32_t bit = OwnSet::bit_of(address);
  if ((own.filter[bit / 64] >> bit % 64 & 1) == 0) return false;
  return std::binary_search(own.sorted.begin(), own.sorted.end(), address, less);
}

// Is the address ours on this link? Listeners are ours wherever somebody asks for them.
bool Neighbours::owns(uint16_t interface, const dam_address& address) const {
  if (!is_own(address)) return false;
  bool elsewhere = false;
  for (uint16_t i = 0; i < links(); ++i) {
    for (const Subnet& subnet : interfaces_[i].subnets) {
      if (!equal(subnet.address, address)) continue;
      if (i == interface) return true;
      elsewhere = true;
    }
  }
  return !elsewhere;
}

uint16_t Neighbours::interface_of(uint8_t port, uint16_t vlan) const {
  for (uint16_t i = 0; i < links(); ++i) {
    if (interfaces_[i].port == port && interfaces_[i].vlan == vlan) return i;
  }
  return NextHop::kNone;
}

std::vector<Neighbours::Link> Neighbours::links_of(const std::vector<Interface>& interfaces) {
  std::vector<Link> links;
  for (size_t i = 0; i < interfaces.size(); ++i) {
    for (const Subnet& subnet : interfaces[i].subnets) {
      Link link{subnet.address, mask_of(subnet.prefix_bits), static_cast<uint16_t>(i),
                subnet.prefix_bits};
      for (int w = 0; w < 4; ++w) link.prefix.word[w] &= link.mask.word[w];
      const bool known = std::any_of(links.begin(), links.end(), [&](const Link& other) {
        return other.bits == link.bits && equal(other.prefix, link.prefix);
      });
      if (!known) links.push_back(link);
    }
  }
  std::stable_sort(links.begin(), links.end(),
                   [](const Link& a, const Link& b) { return a.bits > b.bits; });
  return links;
}

uint16_t Neighbours::on_link(const dam_address& destination) const {
  if (dam_address_is_v4(&destination)) {
    for (const LinkV4& link : on_link_v4_) {
      if ((destination.word[3] & link.mask) == link.prefix) return link.interface;
    }
    return NextHop::kNone;
  }
  for (const Link& link : on_link_) {
    if (covers(link.prefix, link.mask, destination) && same_family(link.prefix, destination)) {
      return link.interface;
    }
  }
  return NextHop::kNone;
}

uint16_t Neighbours::link_towards(const dam_address& destination) const {
  const uint16_t interface = on_link(destination);
  if (interface != NextHop::kNone) return interface;
  return by_gateway_[dam_address_is_v4(&destination) ? 0 : 1].interface;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Next hops that a dataplane before this one has left in shared memory. Flows name them by their
// ids, so those keep their places; all others go, or clients of years would fill the table.
#include "dataplane/engine/neighbours.h"

#include <algorithm>

#include "dataplane/engine/neighbours_table.h"

namespace dam {

// A slot that is not ready was being written when its dataplane ended.
void Neighbours::adopt(const Kept& kept) {
  for (uint32_t slot = 0; slot < kNeighbourSlots; ++slot) {
    if (is_worth_keeping(slot, kept)) continue;
    neighbours_[slot] = {};
    store_shared(macs_[slot], kUnknownMac);
  }
  for (uint32_t slot = 0; slot < kNeighbourSlots; ++slot) {
    Neighbour& neighbour = neighbours_[slot];
    if (neighbour.state != DAM_NEIGHBOUR_ready) continue;
    neighbour.asked_ns = neighbour.confirmed_ns = 0;
    neighbour.unanswered = neighbour.wanted = neighbour.named = 0;
    reach(slot);
    if (used() == kCapacity || find(neighbour.interface, neighbour.address) != slot) {
      neighbour.state = DAM_NEIGHBOUR_gone;
      store_shared(macs_[slot], kUnknownMac);
      continue;
    }
    order_[used_.fetch_add(1, std::memory_order_relaxed)] = static_cast<uint16_t>(slot + 1);
  }
}

bool Neighbours::is_worth_keeping(uint32_t slot, const Kept& kept) const {
  const Neighbour& neighbour = neighbours_[slot];
  if (neighbour.state != DAM_NEIGHBOUR_ready || neighbour.interface >= links()) return false;
  const uint32_t start = neighbour_slot_of(neighbour.interface, neighbour.address);
  if ((slot - start) % kNeighbourSlots >= kNeighbourProbes) return false;
  if (is_gateway(neighbour.interface, neighbour.address)) return true;
  if (on_link(neighbour.address) != neighbour.interface) return false;
  if (slot < kept.ids.size() && kept.ids[slot]) return true;
  return std::any_of(kept.addresses.begin(), kept.addresses.end(),
                     [&](const dam_address& named) { return equal(named, neighbour.address); });
}

bool Neighbours::is_gateway(uint16_t interface, const dam_address& address) const {
  const std::vector<dam_address>& gateways = interfaces_[interface].gateways;
  return std::any_of(gateways.begin(), gateways.end(),
                     [&](const dam_address& gateway) { return equal(gateway, address); });
}

// What lies before it was taken once, or it would lie there.
void Neighbours::reach(uint32_t slot) {
  const Neighbour& neighbour = neighbours_[slot];
  uint32_t at = neighbour_slot_of(neighbour.interface, neighbour.address);
  for (; at != slot; at = (at + 1) % kNeighbourSlots) {
    if (neighbours_[at].state == DAM_NEIGHBOUR_free) neighbours_[at].state = DAM_NEIGHBOUR_gone;
  }
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Slots of zones, servers and listeners across policies: living flows refer to them by slot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"

namespace dam {

// previous[slot] is the key of who held that slot ("" : nobody). Gives the slot of each wanted key:
// who was there keeps its slot, newcomers take slots behind, and only when `most` slots are in use
// those of keys that are no longer wanted. Wanted keys differ, and there are at most `most` of
// them.
std::vector<uint32_t> assign_slots(const std::vector<std::string>& previous,
                                   const std::vector<std::string>& wanted, uint32_t most);

// What makes an entry the same one as before: a server that moved to another address is another,
// and so is a zone that tells its sources apart by something else: those who are in it stay what
// they were.
std::string slot_key(const Zone& zone);
std::string slot_key(const Server& server);
std::string slot_key(const Listener& listener);

// Puts `wanted` into their slots of `kept` (the previous policy's entries, which become retired).
template <typename Entry>
void place_in_slots(std::vector<Entry>& kept, std::vector<Entry>& wanted,
                    std::vector<uint32_t>& slots, uint32_t most) {
  std::vector<std::string> previous, keys;
  for (Entry& entry : kept) {
    previous.push_back(slot_key(entry));
    entry.in_policy = false;
  }
  for (const Entry& entry : wanted) keys.push_back(slot_key(entry));
  slots = assign_slots(previous, keys, most);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (slots[i] >= kept.size()) kept.resize(slots[i] + 1);
    kept[slots[i]] = std::move(wanted[i]);
    kept[slots[i]].in_policy = true;
  }
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/policy_slots.h"

#include <unordered_map>

namespace dam {
namespace {

std::string bytes_of(const dam_address& address) {
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

std::string bytes_of(dam_be16 port) { return {reinterpret_cast<const char*>(&port), sizeof port}; }

}  // namespace

std::vector<uint32_t> assign_slots(const std::vector<std::string>& previous,
                                   const std::vector<std::string>& wanted, uint32_t most) {
  constexpr uint32_t kUnassigned = 0xffffffffu;
  std::unordered_map<std::string, uint32_t> slot_of;
  for (uint32_t slot = 0; slot < previous.size(); ++slot) slot_of.emplace(previous[slot], slot);

  std::vector<uint32_t> slots(wanted.size(), kUnassigned);
  std::vector<bool> taken(most, false);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto found = slot_of.find(wanted[i]);
    if (found == slot_of.end()) continue;
    slots[i] = found->second;
    taken[found->second] = true;
  }
  uint32_t fresh = static_cast<uint32_t>(previous.size());
  uint32_t reused = 0;
  for (uint32_t& slot : slots) {
    if (slot != kUnassigned) continue;
    if (fresh < most) {
      slot = fresh++;
    } else {
      while (taken[reused]) ++reused;
      slot = reused;
    }
    taken[slot] = true;
  }
  return slots;
}

std::string slot_key(const Zone& zone) {
  return std::string(1, static_cast<char>('0' + static_cast<int>(zone.key))) + zone.name;
}

std::string slot_key(const Server& server) {
  return bytes_of(server.address[0]) + bytes_of(server.address[1]) + bytes_of(server.port) +
         server.name;
}

std::string slot_key(const Listener& listener) {
  return bytes_of(listener.address) + bytes_of(listener.port);
}

}  // namespace dam

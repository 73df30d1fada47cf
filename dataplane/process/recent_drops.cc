// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/recent_drops.h"

#include <algorithm>

namespace dam {

RecentDrops::RecentDrops(const AddressHash& hash)
    : hash_(hash), tables_{Table(kSets), Table(kSets)} {}

void RecentDrops::take(const dam_sight& sight) {
  if (sight.weight == 0 || !dam_is_refusal(sight.reason)) return;
  const bool proven = (sight.flags & DAM_SIGHT_PROVEN) != 0;
  const dam_address source = as_one_source(sight.client);
  auto& set = tables_[proven ? 1 : 0][hash_(source) % kSets];
  auto entry = std::find_if(set.begin(), set.end(), [&](const Entry& one) {
    return one.last_ns != 0 && dam_address_equal(&one.address, &source);
  });
  const auto earlier = [](const auto& a, const auto& b) { return a.last_ns < b.last_ns; };
  if (entry == set.end()) {
    entry = std::min_element(set.begin(), set.end(), earlier);
    *entry = {source, 0, {}};
  }
  entry->last_ns = sight.at_ns;
  auto kind = std::find_if(entry->drops.begin(), entry->drops.end(), [&](const Drop& one) {
    return one.count != 0 && one.reason == sight.reason && one.zone == sight.zone;
  });
  if (kind == entry->drops.end() || sight.at_ns > kind->last_ns + kKeptNs) {
    if (kind == entry->drops.end()) {
      kind = std::min_element(entry->drops.begin(), entry->drops.end(), earlier);
    }
    *kind = {0, 0, sight.reason, sight.zone, proven, {}};
  }
  kind->count += sight.weight;
  kind->last_ns = sight.at_ns;
}

bool RecentDrops::name(const RefusedHello& refused) {
  const dam_address source = as_one_source(refused.client);
  for (Entry& entry : tables_[1][hash_(source) % kSets]) {
    if (entry.last_ns == 0 || !dam_address_equal(&entry.address, &source)) continue;
    for (Drop& drop : entry.drops) {
      if (drop.count == 0 || drop.reason != refused.reason || drop.zone != refused.zone) continue;
      drop.ja4 = refused.ja4;
      return true;
    }
  }
  return false;
}

std::vector<RecentDrops::Drop> RecentDrops::of(const dam_address& address, uint64_t now_ns) const {
  const dam_address source = as_one_source(address);
  std::vector<Drop> drops;
  for (const Table& table : tables_) {
    for (const Entry& entry : table[hash_(source) % kSets]) {
      if (entry.last_ns == 0 || !dam_address_equal(&entry.address, &source)) continue;
      std::copy_if(
          entry.drops.begin(), entry.drops.end(), std::back_inserter(drops),
          [&](const Drop& one) { return one.count != 0 && now_ns < one.last_ns + kKeptNs; });
    }
  }
  std::sort(drops.begin(), drops.end(),
            [](const Drop& a, const Drop& b) { return a.last_ns > b.last_ns; });
  return drops;
}

}  // namespace dam

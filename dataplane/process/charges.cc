// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/charges.h"

#include <algorithm>
#include <array>

#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/service_zone.h"

namespace dam {
namespace {

// A bucket that may pay: its arrival time lies between them, and the later one is the most that it
// gets.
struct Payers {
  uint64_t from_ns;
  uint64_t to_ns;
};

// Units empty a bucket, and no more.
Payers of_units(const dam_gcra_rate& rate, uint64_t now_ns) {
  return {0, now_ns + rate.tolerance_ns};
}

// Time is paid by an empty bucket, too, or who takes all that comes into it would never pay: as far
// behind as half the slack, of which the rest is the clocks' (dam_gcra_refit). A full one pays
// none: who asks for less than his share is refused nothing.
constexpr uint64_t kMostBehindNs = DAM_GCRA_CLOCK_SLACK_NS / 2;
Payers of_time(const dam_gcra_rate& rate, uint64_t now_ns) {
  return {now_ns + 1, now_ns + rate.tolerance_ns + kMostBehindNs};
}

void spend(uint64_t& tat_ns, uint64_t now_ns, uint64_t cost_ns, Payers payers) {
  uint64_t seen = dam_load_shared64(&tat_ns);
  for (int attempt = 0; attempt < DAM_GCRA_ATTEMPTS; ++attempt) {
    if (seen < payers.from_ns || seen >= payers.to_ns) return;
    const uint64_t next = std::min(std::max(seen, now_ns) + cost_ns, payers.to_ns);
    const uint64_t found = __sync_val_compare_and_swap(&tat_ns, seen, next);
    if (found == seen) return;
    seen = found;
  }
}

// A source that the zone does not know has done nothing there of late: a place is made for nobody.
void charge_in(Engine& engine, const v1::Charge& one, const SourceKey& key, const Zone& zone,
               uint64_t now_ns) {
  constexpr uint32_t kCountedAsWorker = 0;  // any thread may
  if (engine.sources.find(key) == SourceTable::kNone) return;
  const uint32_t at = engine.sources.acquire(kCountedAsWorker, key, now_ns);
  if (at == SourceTable::kNone) return;
  std::array<uint32_t, DAM_DIM_COUNT> units{};
  units[DAM_DIM_connections] = one.connections();
  units[DAM_DIM_requests] = one.requests();
  const uint64_t time_ns = std::min(one.time_ns(), kMostBehindNs);
  for (size_t i = 0; i < units.size(); ++i) {
    const dam_gcra_rate& rate = zone.per_source[i];
    if (rate.interval_q20 == 0) continue;
    uint64_t& tat_ns = engine.sources.tat_ns(at, static_cast<dam_dimension>(i));
    const uint64_t cost_ns = dam_gcra_cost_ns(&rate, units[i]);
    if (cost_ns != 0) spend(tat_ns, now_ns, cost_ns, of_units(rate, now_ns));
    if (time_ns != 0) spend(tat_ns, now_ns, time_ns, of_time(rate, now_ns));
  }
  engine.sources.release(at);
}

}  // namespace

std::string charge(Engine& engine, const v1::ChargeSources& request, uint64_t now_ns) {
  const Policy* policy = engine.policy();
  if (policy == nullptr) return "No policy is in force yet.";
  for (const v1::Charge& one : request.charges()) {
    SourcePrefix source;
    const std::string wrong = read_prefix(one.source(), source);
    if (!wrong.empty()) return "The source: " + wrong + ".";
    if (policy->allow.contains(source.address)) continue;
    for (size_t slot = 0; slot < policy->zones.size(); ++slot) {
      const Zone& zone = policy->zones[slot];
      if (!is_service_zone(zone, slot)) continue;
      const SourceKey key = engine.sources.key(source.address, static_cast<uint8_t>(slot),
                                               zone.source_bits_v4, zone.source_bits_v6);
      charge_in(engine, one, key, zone, now_ns);
    }
  }
  return "";
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/explain.h"

#include <algorithm>

#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/drop_names.h"
#include "dataplane/process/names.h"
#include "dataplane/process/zone_bans.h"

namespace dam {
namespace {

constexpr const char* kBuckets[] = {
#define X(name, unit) #name,
    DAM_DIMENSIONS(X)
#undef X
};
constexpr uint32_t kFullPacket = 1500;

void write_level(int dimension, uint64_t tat_ns, const dam_gcra_rate& rate, uint64_t now_ns,
                 v1::Standing& to) {
  if (rate.interval_q20 == 0) return;
  v1::Level& level = *to.add_levels();
  level.set_bucket(kBuckets[dimension]);
  const uint64_t ahead_ns = tat_ns > now_ns ? tat_ns - now_ns : 0;
  const uint64_t most_ns = std::max<uint64_t>(rate.tolerance_ns, 1);
  level.set_used_permille(static_cast<uint32_t>(
      std::min(1.0, static_cast<double>(ahead_ns) / static_cast<double>(most_ns)) * 1000));
  const bool of_bytes = dimension == DAM_DIM_bytes_up || dimension == DAM_DIM_bytes_down;
  level.set_wait_ns(dam_gcra_wait_ns(&tat_ns, &rate, now_ns, of_bytes ? kFullPacket : 1));
}

uint32_t violations_in(uint64_t penalty, const Zone& zone, uint64_t now_ns) {
  if (penalty == 0 || (penalty & DAM_PENALTY_BANNED) != 0) return 0;
  const uint64_t start_ns = (penalty & DAM_PENALTY_START_MASK) << DAM_PENALTY_START_SHIFT;
  if (start_ns < now_ns && now_ns - start_ns > zone.ban_within_ns) return 0;
  return static_cast<uint32_t>(penalty >> DAM_PENALTY_COUNT_SHIFT);
}

void write_standing(const SourceTable::Glance& seen, const Zone& zone, uint64_t now_ns,
                    v1::Standing& to) {
  to.set_zone(zone.name);
  write_prefix(source_of(seen, zone), *to.mutable_source());
  for (int i = 0; i < DAM_DIM_COUNT; ++i) {
    write_level(i, seen.tat_ns[static_cast<size_t>(i)], zone.per_source[i], now_ns, to);
  }
  to.set_connections(seen.connections);
  to.set_connections_most(zone.per_source_concurrent);
  to.set_violations(violations_in(seen.penalty, zone, now_ns));
  to.set_violations_most(zone.exceeded == Exceeded::ban ? zone.ban_after : 0);
  to.set_shadow(zone.mode == Mode::shadow);
  const uint64_t until_ns = ban_end_ns(seen.penalty, now_ns);
  if (until_ns != 0) to.set_banned_until_unix_ms(unix_ms() + (until_ns - now_ns) / 1'000'000 + 1);
}

void write_drop(const RecentDrops::Drop& drop, const Policy& policy, uint64_t now_ns,
                v1::RecentDrop& to) {
  to.set_reason(drop.reason < DAM_DROP_COUNT ? kDropNames[drop.reason] : kDropNames[0]);
  to.set_zone(name_of(policy.zones, drop.zone));
  to.set_count(drop.count);
  to.set_ago_ms((now_ns - std::min(drop.last_ns, now_ns)) / 1'000'000);
  to.set_proven(drop.proven);
  to.set_ja4(drop.ja4.text());
}

}  // namespace

std::string explain(const Engine& engine, const RecentDrops& recent, const std::string& wire,
                    v1::Explanation& to) {
  const auto address = read_address(wire);
  if (!address) {
    return "An address of " + std::to_string(wire.size()) + " bytes: IPv4 has 4, IPv6 has 16.";
  }
  const Policy* policy = engine.policy();  // control thread: it stays
  if (policy == nullptr) return "No policy is in force yet.";
  to.set_allowed(policy->allow.contains(*address));
  to.set_denied(policy->deny.contains(*address));
  to.set_banned(policy->bans.contains(*address));
  const uint64_t now_ns = monotonic_ns();
  for (const RecentDrops::Drop& drop : recent.of(*address, now_ns)) {
    write_drop(drop, *policy, now_ns, *to.add_drops());
  }
  for (size_t slot = 0; slot < policy->zones.size(); ++slot) {
    const Zone& zone = policy->zones[slot];
    if (!zone.in_policy) continue;
    if (zone.key != ZoneKey::source) to.add_zones_by_kind(zone.name);
    const uint32_t at = engine.sources.find(engine.sources.key(
        *address, static_cast<uint8_t>(slot), zone.source_bits_v4, zone.source_bits_v6));
    const auto seen = at == SourceTable::kNone ? std::nullopt : engine.sources.glance(at);
    if (seen && seen->zone_slot == slot) write_standing(*seen, zone, now_ns, *to.add_zones());
  }
  return {};
}

}  // namespace dam

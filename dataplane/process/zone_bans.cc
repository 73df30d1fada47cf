// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/zone_bans.h"

#include <algorithm>
#include <utility>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/service_zone.h"

namespace dam {
namespace {

constexpr uint32_t kSlotsPerTick = 1u << 17;

uint64_t end_ns_of(const v1::ChangeZoneBan& request, uint64_t now_ns) {
  constexpr uint64_t kLongest_ms = uint64_t{1} << 42;  // 139 years
  const uint64_t now_ms = unix_ms();
  if (request.until_unix_ms() <= now_ms) return 0;
  return now_ns + std::min(request.until_unix_ms() - now_ms, kLongest_ms) * 1'000'000;
}

}  // namespace

uint64_t ban_end_ns(uint64_t penalty, uint64_t now_ns) {
  const uint64_t until_ns = penalty & ~DAM_PENALTY_BANNED;
  return (penalty & DAM_PENALTY_BANNED) != 0 && until_ns > now_ns ? until_ns : 0;
}

SourcePrefix source_of(const SourceTable::Glance& seen, const Zone& zone) {
  const bool four = dam_address_is_v4(&seen.prefix);
  return {seen.prefix, four ? static_cast<uint8_t>(96 + zone.source_bits_v4) : zone.source_bits_v6};
}

// Versions of another process are others.
ZoneBanWatch::ZoneBanWatch() { found_.set_version(unix_ms() << 16); }

void ZoneBanWatch::tick(const Engine& engine, uint64_t begun, uint64_t now_ns) {
  if (engine.policy() == nullptr) return;
  due_ |= std::exchange(begun_, begun) != begun;
  if (next_ == 0 && !due_) return;
  if (next_ == 0) {
    due_ = false;
    looking_.Clear();
  }
  look(engine, now_ns);
}

void ZoneBanWatch::look(const Engine& engine, uint64_t now_ns) {
  const std::vector<Zone>& zones = engine.policy()->zones;
  const uint32_t end = std::min(next_ + kSlotsPerTick, engine.sources.slots());
  for (; next_ < end; ++next_) {
    if (!SourceTable::banned(engine.sources[next_], now_ns)) continue;
    const auto seen = engine.sources.glance(next_);
    if (!seen || seen->zone_slot >= zones.size()) continue;
    const uint64_t until_ns = ban_end_ns(seen->penalty, now_ns);
    if (until_ns == 0) continue;
    if (looking_.bans_size() == static_cast<int>(kMaxZoneBans)) {
      looking_.set_more(true);
      break;
    }
    const Zone& zone = zones[seen->zone_slot];
    v1::ZoneBan& ban = *looking_.add_bans();
    write_prefix(source_of(*seen, zone), *ban.mutable_source());
    ban.set_zone(zone.name);
    ban.set_until_unix_ms(unix_ms() + (until_ns - now_ns) / 1'000'000 + 1);
    ban.set_violations(zone.ban_after);
  }
  if (next_ < engine.sources.slots() && !looking_.more()) return;
  next_ = 0;
  looking_.set_version(found_.version() + 1);
  found_ = std::move(looking_);
  known_ = true;
}

v1::ZoneBans ZoneBanWatch::since(uint64_t seen) const {
  if (known_ && seen != found_.version()) return found_;
  v1::ZoneBans same;
  same.set_version(seen);
  return same;
}

// A place for a ban that is to begin, with a reference; kNone: there is none.
uint32_t ZoneBanWatch::place_of(Engine& engine, const SourceKey& key, bool begins) {
  constexpr uint32_t kCountedAsWorker = 0;  // any thread may
  if (!begins) return engine.sources.find(key);
  return engine.sources.acquire(kCountedAsWorker, key, monotonic_ns());
}

std::string ZoneBanWatch::change(Engine& engine, const v1::ChangeZoneBan& request) {
  SourcePrefix source;
  const std::string wrong = read_prefix(request.source(), source);
  if (!wrong.empty()) return "The source: " + wrong + ".";
  const Policy* policy = engine.policy();
  if (policy == nullptr) return "No policy is in force yet.";
  const uint64_t now_ns = monotonic_ns();
  const uint64_t end_ns = end_ns_of(request, now_ns);
  bool known = request.zone().empty();
  for (size_t slot = 0; slot < policy->zones.size(); ++slot) {
    const Zone& zone = policy->zones[slot];
    if (!request.zone().empty() && zone.name != request.zone()) continue;
    known = true;
    const bool begins = !request.zone().empty() && end_ns != 0 && is_service_zone(zone, slot);
    const uint32_t at = place_of(engine,
                                 engine.sources.key(source.address, static_cast<uint8_t>(slot),
                                                    zone.source_bits_v4, zone.source_bits_v6),
                                 begins);
    if (at == SourceTable::kNone && begins) return "The table of sources is full.";
    if (at == SourceTable::kNone) continue;
    if (begins || SourceTable::banned(engine.sources[at], now_ns)) {
      SourceTable::ban(engine.sources[at], end_ns);
      due_ = true;
    }
    if (begins) engine.sources.release(at);
  }
  return known ? "" : "There is no zone \"" + request.zone() + "\".";
}

}  // namespace dam

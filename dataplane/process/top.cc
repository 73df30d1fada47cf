// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/top.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "dataplane/ipc/wire_address.h"

namespace dam {
namespace {

constexpr uint32_t kMostAnswered = 100;
constexpr uint64_t kFullFrame = 1514;
constexpr uint64_t kUnseenPackets = 190;  // of more, one in 64 has told of one in 19 of 20 cases

constexpr const char* kMeasureNames[] = {
#define X(name, text) #name,
    DAM_TOP_MEASURES(X)
#undef X
};

bool is_violation(uint32_t reason) {
  return reason == DAM_DROP_zone_banned || reason == DAM_DROP_half_open_source ||
         (reason >= DAM_DROP_source_packets && reason <= DAM_DROP_source_concurrent);
}

// Twice the standard error of a sum of which one packet in DAM_SIGHT_EVERY was seen, where each
// adds `most` at most.
uint64_t two_sigma(uint64_t value, uint64_t most) {
  const auto a_sight = static_cast<double>(most * DAM_SIGHT_EVERY);
  return static_cast<uint64_t>(2 * std::sqrt(static_cast<double>(value) * a_sight));
}

void name_source(const dam_address& name, bool is_ja4, v1::TopSource& to) {
  if (is_ja4) return to.set_ja4(std::bit_cast<Ja4>(name).text());
  const bool v4 = dam_address_is_v4(&name) != 0;
  write_prefix({name, static_cast<uint8_t>(v4 ? 128 : 64)}, *to.mutable_source());
}

}  // namespace

Top::Top(const AddressHash& hash) : running_(hash), before_(hash) {}

void Top::take(const dam_sight& sight) {
  if (sight.weight == 0 || (sight.flags & DAM_SIGHT_PROVEN) == 0) return;
  const dam_address source = as_one_source(sight.client);
  if ((sight.flags & DAM_SIGHT_OPENED) != 0) {
    running_.of[connections].add(source, sight.weight);
  } else if (sight.reason == DAM_DROP_none) {
    running_.of[packets].add(source, sight.weight);
    running_.of[bytes].add(source, uint64_t{sight.weight} * sight.frame_bytes);
  } else if (is_violation(sight.reason)) {
    running_.of[violations].add(source, sight.weight);
    running_.violations_sampled |= sight.weight > 1;
  }
}

void Top::take(const Ja4& ja4) {
  running_.of[fingerprints].add(std::bit_cast<dam_address>(ja4), 1);
}

void Top::tick(uint64_t now_ns) {
  if (running_.begun_ns == 0) running_.begun_ns = now_ns;
  if (now_ns - running_.begun_ns < kWindowNs) return;
  std::swap(running_, before_);
  for (HeavyHitters& sketch : running_.of) sketch.clear();
  running_.violations_sampled = false;
  running_.begun_ns = now_ns;
}

std::string Top::answer(const v1::TopQuery& query, uint64_t now_ns, v1::Top& to) const {
  const auto* found = std::find(std::begin(kMeasureNames), std::end(kMeasureNames), query.by());
  if (found == std::end(kMeasureNames)) return "There is no order by \"" + query.by() + "\".";
  const auto measure = static_cast<size_t>(found - std::begin(kMeasureNames));
  const HeavyHitters& now = running_.of[measure];
  const HeavyHitters& then = before_.of[measure];
  const uint64_t since_ns = before_.begun_ns != 0 ? before_.begun_ns : running_.begun_ns;
  to.set_span_ms(since_ns == 0 ? 0 : (now_ns - since_ns) / 1'000'000);
  to.set_total(now.total() + then.total());
  const bool sampled =
      measure == packets || measure == bytes ||
      (measure == violations && (running_.violations_sampled || before_.violations_sampled));
  const uint64_t unseen = sampled ? kUnseenPackets * (measure == bytes ? kFullFrame : 1) : 0;
  to.set_unlisted_most(now.least() + then.least() + unseen);
  for (const HeavyHitters::Entry& entry : now.together_with(then)) {
    if (static_cast<uint32_t>(to.sources_size()) >= std::min(query.most(), kMostAnswered)) break;
    v1::TopSource& source = *to.add_sources();
    name_source(entry.source, measure == fingerprints, source);
    source.set_value(entry.value);
    source.set_error(entry.error);
    if (sampled) source.set_sampling(two_sigma(entry.value, measure == bytes ? kFullFrame : 1));
  }
  return {};
}

}  // namespace dam

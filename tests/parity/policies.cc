// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parity/policies.h"

#include <utility>
#include <vector>

#include "tests/parity/dice.h"
#include "tests/unit/durations.h"

namespace dam::test {
namespace {

dam_gcra_rate rate_of(Dice& dice, std::initializer_list<uint64_t> a_second,
                      std::initializer_list<uint64_t> bursts) {
  const uint64_t rate = dice.of(a_second), burst = dice.of(bursts);
  return dam_gcra_rate_of(rate * 1000, burst);
}

// 0: no limit. Small enough that a short conversation meets them.
void limit(dam_gcra_rate (&rates)[DAM_DIM_COUNT], Dice& dice) {
  rates[DAM_DIM_packets] = rate_of(dice, {0, 0, 1, 5, 100, 10000}, {0, 1, 3, 20});
  rates[DAM_DIM_bytes_up] = rate_of(dice, {0, 0, 2000, 100'000}, {60, 3000, 20'000});
  rates[DAM_DIM_bytes_down] = rate_of(dice, {0, 0, 2000, 100'000}, {60, 3000, 20'000});
  rates[DAM_DIM_connections] = rate_of(dice, {0, 0, 1, 5, 100}, {0, 1, 2, 5});
  rates[DAM_DIM_requests] = rate_of(dice, {0, 1, 5, 100}, {0, 1, 2, 20});
}

void draw(Zone& zone, Dice& dice) {
  if (!dice.one_in(4)) limit(zone.per_source, dice);
  if (dice.one_in(2)) limit(zone.total, dice);
  zone.exceeded = dice.of({Exceeded::drop, Exceeded::reset, Exceeded::ban, Exceeded::ban});
  zone.mode = dice.of({Mode::enforce, Mode::enforce, Mode::enforce, Mode::shadow});
  zone.ban_after = dice.of({0u, 1u, 2u, 5u});
  zone.ban_within_ns = dice.of({1 * kSecond, 10 * kSecond});
  zone.ban_for_ns = dice.of({100 * kMillisecond, 5 * kSecond, 600 * kSecond});
  zone.source_bits_v4 = dice.of<uint8_t>({32, 24});
  zone.source_bits_v6 = dice.of<uint8_t>({64, 48, 128});
}

// Not for zone "front": how many of one source's connections wait there is the engine's to count,
// and the kernel asks the front's bucket before.
void draw_concurrency(Zone& zone, Dice& dice) {
  zone.per_source_concurrent = dice.of({0u, 0u, 1u, 2u});
  zone.total_concurrent = dice.of({0u, 0u, 2u, 3u});
}

std::vector<SourcePrefix> denied(Dice& dice) {
  std::vector<SourcePrefix> all = {{v4(203, 0, 113, 8), 125}, {kDeniedV6, 48}};
  // More than fit into the view itself: a map of their own.
  const uint32_t more = dice.of({0u, 0u, 0u, 100u});
  for (uint32_t i = 0; i < more; ++i) {
    all.push_back({v4(203, 0, static_cast<uint8_t>(i), 200), static_cast<uint8_t>(120 + i % 9)});
  }
  if (dice.one_in(4)) all.push_back({v4(198, 51, 100, 8), 128});
  if (dice.one_in(4)) all.push_back({v6(0x51, 8), 128});
  return all;
}

}  // namespace

Policy policy_of(const Policy& draft, uint32_t number) {
  Policy policy = draft;
  policy.timeouts.hello_ns = 3 * kSecond;
  policy.timeouts.connect_ns = 2 * kSecond;
  policy.timeouts.idle_ns = 20 * kSecond;
  policy.timeouts.half_closed_ns = 5 * kSecond;
  policy.timeouts.closing_ns = 1 * kSecond;
  policy.timeouts.port_rest_ns = 2 * kSecond;
  Zone heavy = policy.zones[kServiceZone];
  heavy.name = "heavy";
  policy.zones.push_back(std::move(heavy));
  policy.routes.push_back({"heavy", 0, kHeavyZone, {0}, -1});
  std::vector<RouteRule> rules(4);
  rules[0].server_names = {"www.example.org"};
  rules[1].route = 1;
  rules[1].server_names = {"manage.example.org"};
  rules[2].route = 2;
  rules[2].listener_group = 1;
  rules[3].route = 3;
  rules[3].server_names = {"api.example.org"};
  policy.router = Router(rules);
  const std::vector<SourcePrefix> allowed = {
      {kAllowed, 128}, {kDeniedAndAllowed, 128}, {kAllowedV6, 48}};
  policy.allow = PrefixSet(allowed);
  Dice dice(number);
  policy.deny = PrefixSet(denied(dice));
  Dice bans(1000 + number);
  if (bans.one_in(2)) policy.bans = PrefixSet(denied(bans));
  policy.bans_grown = number;
  if (number == 0) return policy;
  for (Zone& zone : policy.zones) {
    if (dice.one_in(3)) continue;
    draw(zone, dice);
    if (&zone != &policy.zones[0]) draw_concurrency(zone, dice);
  }
  return policy;
}

}  // namespace dam::test

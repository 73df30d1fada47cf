// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_counts.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace dam::control {

namespace {

constexpr double kNsOfSignalSecond = 1e9;
constexpr double kLongestInterval_ns = 1e18;  // 32 years
constexpr uint64_t kLastTat_ns =
    10'000'000'000'000'000'000u;  // with an interval more a word holds it

uint64_t random_word() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

// The finalizer of SplitMix64.
uint64_t mixed(uint64_t word) {
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
  word = (word ^ word >> 27) * 0x94d049bb133111eb;
  return word ^ word >> 31;
}

}  // namespace

bool take_one(const Rate& rate, uint64_t now_ns, uint64_t& tat_ns) {
  const double interval_ns = std::min(kNsOfSignalSecond / rate.per_second, kLongestInterval_ns);
  const double patience_ns =
      interval_ns * static_cast<double>(std::max<uint64_t>(rate.burst, 1) - 1);
  const uint64_t base_ns = std::max(tat_ns, now_ns);
  if (static_cast<double>(base_ns - now_ns) > patience_ns) return false;
  tat_ns = std::min(base_ns + static_cast<uint64_t>(interval_ns), kLastTat_ns);
  return true;
}

SignalCounts::SignalCounts(size_t sources)
    : secret_{random_word(), random_word()},
      entries_(std::max(sources / kWays, size_t{1}) * kWays) {}

SignalCounts::Entry& SignalCounts::entry_of(uint32_t rule, const Network& source) {
  Entry wanted;
  static_assert(sizeof wanted.address == sizeof source.address.bytes);
  std::memcpy(wanted.address.data(), source.address.bytes.data(), sizeof wanted.address);
  wanted.rule = rule;
  wanted.bits = source.prefix_bits;
  wanted.v6 = source.address.v6;
  uint64_t hash = secret_[0];
  for (const uint64_t word : {wanted.address[0], wanted.address[1],
                              uint64_t{rule} << 16 | wanted.bits << 1 | (wanted.v6 ? 1u : 0u)}) {
    hash = mixed(hash ^ word) + secret_[1];
  }
  Entry* const first = &entries_[mixed(hash) % (entries_.size() / kWays) * kWays];
  Entry* quietest = first;
  for (Entry* at = first; at != first + kWays; ++at) {
    const bool same = at->address == wanted.address && at->rule == rule &&
                      at->bits == wanted.bits && at->v6 == wanted.v6;
    if (at->tat_ns != 0 && same) return *at;
    if (at->tat_ns < quietest->tat_ns) quietest = at;
  }
  *quietest = wanted;
  return *quietest;
}

bool SignalCounts::exceeds(uint32_t rule, const Network& source, const Rate& rate, uint64_t now_ns,
                           bool anew) {
  Entry& entry = entry_of(rule, source);
  if (take_one(rate, now_ns, entry.tat_ns)) return false;
  if (anew) entry.tat_ns = 0;
  return true;
}

}  // namespace dam::control

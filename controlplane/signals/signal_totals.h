// SPDX-License-Identifier: BSD-3-Clause
// What is counted of signals, by names that nobody outside can multiply.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace dam::control {

// Why a signal is not heard: name, text.
#define DAM_SIGNAL_REFUSALS(X)                                           \
  X(stranger, "of an address that signals.from does not name")           \
  X(malformed, "no line as config/OPERATING.md has it")                  \
  X(too_many, "more than signals.most.signals_per_second of one server") \
  X(overflow, "more came than could be read")
enum class SignalRefusal {
#define X(name, text) name,
  DAM_SIGNAL_REFUSALS(X)
#undef X
};
inline constexpr size_t kSignalRefusals = static_cast<size_t>(SignalRefusal::overflow) + 1;
const char* signal_refusal_name(SignalRefusal refusal);
std::string signal_refusals_text();  // "stranger (of an address …); …"

// What came of a source that was over a rule: name, text.
#define DAM_SIGNAL_ENDS(X)                                                       \
  X(banned, "it is banned")                                                      \
  X(shadow, "it would be, or pay, or be slowed, but for mode shadow")            \
  X(held, "it was banned already")                                               \
  X(spared, "an administrator's, or the site's own: nobody's signal bans those") \
  X(capped, "more than signals.most allows")                                     \
  X(failed, "the ban could not be saved, the charge not be told")                \
  X(charged, "the dataplane is told to have it pay, out of its own buckets")     \
  X(throttled, "for a while it has less of what its zones let it do")
enum class SignalEnd {
#define X(name, text) name,
  DAM_SIGNAL_ENDS(X)
#undef X
};
inline constexpr size_t kSignalEnds = static_cast<size_t>(SignalEnd::throttled) + 1;
const char* signal_end_name(SignalEnd end);
std::string signal_ends_text();

struct SignalTotals {
  uint64_t accepted = 0;
  std::array<uint64_t, kSignalRefusals> refused{};
  std::map<std::string, std::array<uint64_t, kSignalEnds>> ends;  // by rule
  size_t throttled = 0;                                           // sources, now
};

}  // namespace dam::control

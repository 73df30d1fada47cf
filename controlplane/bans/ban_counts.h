// SPDX-License-Identifier: BSD-3-Clause
// How many bans there are and were, for metrics and events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "controlplane/bans/ban.h"

namespace dam::control {

// Where bans come from, as metrics know it: name, text. Never more, whatever zones are called.
#define DAM_BAN_ORIGINS(X)                                                             \
  X(people, "operator", "one by one")                                                  \
  X(list, "import", "lists of many")                                                   \
  X(zone, "zone", "a zone's own")                                                      \
  X(repeat, "escalation", "a zone's own of a source that came back, longer each time") \
  X(signal, "signal", "by what servers have told, in service zones alone")             \
  X(fingerprint, "fingerprint", "of kinds of clients, in service zones alone")
enum class BanOrigin {
#define X(id, name, text) id,
  DAM_BAN_ORIGINS(X)
#undef X
};
inline constexpr size_t kBanOrigins = 0
#define X(id, name, text) +1
    DAM_BAN_ORIGINS(X)
#undef X
    ;
const char* ban_origin_name(BanOrigin origin);
const char* ban_origin_text(BanOrigin origin);
BanOrigin origin_of(const KeptBan& ban);

using PerBanOrigin = std::array<uint64_t, kBanOrigins>;

// Of bans whose time was over, by what their origin is called ("zone heavy").
struct EndedBans {
  uint64_t count = 0;
  std::string last;  // whose was the last
};
using EndedByOrigin = std::map<std::string, EndedBans>;

// Totals count from the start of this program.
struct BanCounts {
  PerBanOrigin held{};
  PerBanOrigin begun{}, lifted{}, expired{};
  uint64_t at_most = 0;   // that may hold at one time
  uint64_t version = 0;   // counts the changes of the list
  uint64_t in_force = 0;  // the version that the dataplane has; 0: none of this program's
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Whom a ban of a fingerprint hits now.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/ask.h"

namespace dam::control {

struct FingerprintHits {
  static constexpr uint64_t kMostLooked = 100'000;

  uint64_t connections = 0;  // in service zones
  size_t sources = 0;        // whose they are
  uint64_t of = 0;           // in service zones, of whatever fingerprint
  bool more = false;         // than were looked at: all are at least as many

  // So many that it is hardly one program's.
  bool common() const {
    constexpr size_t kManySources = 8;
    constexpr uint64_t kEnough = 20, kShare = 10;
    return connections >= kMostLooked || sources >= kManySources ||
           (of >= kEnough && connections * kShare >= of);
  }
};

// Looks for about so long at most. Nothing: the dataplane does not answer.
std::optional<FingerprintHits> fingerprint_hits(const Ask& ask,
                                                const std::vector<std::string>& zones,
                                                const std::string& ja4,
                                                std::chrono::milliseconds most);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// The requests that some octets of a plain HTTP/1.x client bring, by the zones that they are held
// to, in the order in which these come first.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/core/counters.h"

namespace dam {

// Unclear: nobody can tell where it belongs, so it counts where it is strictest.
struct RequestZone {
  uint8_t slot;
  bool unclear;
};

class RequestTally {
 public:
  struct Share {
    uint32_t requests;
    RequestZone zone;
  };
  void add(RequestZone zone) {
    ++requests_;
    uint32_t at = 0;
    while (at < count_ && !is_same(shares_[at].zone, zone)) ++at;
    if (at == count_) shares_[count_++] = {0, zone};
    ++shares_[at].requests;
  }
  std::span<Share> shares() { return std::span(shares_).first(count_); }
  uint32_t requests() const { return requests_; }

 private:
  static bool is_same(RequestZone a, RequestZone b) {
    return a.slot == b.slot && a.unclear == b.unclear;
  }

  uint32_t requests_ = 0;
  uint32_t count_ = 0;
  std::array<Share, DAM_MAX_ZONES + 1> shares_;  // a listener has one strictest zone
};

}  // namespace dam

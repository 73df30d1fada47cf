// SPDX-License-Identifier: BSD-3-Clause
// The requests that some octets of a plain HTTP/1.x client bring, by the zones that they are held
// to, in the order in which these come first.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/core/counters.h"

namespace dam {

class RequestTally {
 public:
  struct Share {
    uint32_t requests;
    uint8_t zone_slot;
  };
  void add(uint8_t zone_slot) {
    ++requests_;
    uint32_t at = 0;
    while (at < zones_ && shares_[at].zone_slot != zone_slot) ++at;
    if (at == zones_) shares_[zones_++] = {0, zone_slot};
    ++shares_[at].requests;
  }
  std::span<const Share> shares() const { return std::span(shares_).first(zones_); }
  uint32_t requests() const { return requests_; }

 private:
  uint32_t requests_ = 0;
  uint32_t zones_ = 0;
  std::array<Share, DAM_MAX_ZONES> shares_;
};

}  // namespace dam

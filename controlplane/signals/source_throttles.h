// SPDX-License-Identifier: BSD-3-Clause
// Sources that have less of their zones' rates for a while: of each moment they pay a share, as if
// they had used it. Bounded, of each server too; without locks.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controlplane/bans/ban.h"
#include "controlplane/policy/model.h"

namespace dam::control {

struct SourceThrottle {
  std::string server;  // that has told of it last
  std::string rule;
  uint32_t to_percent = 100;  // what is left of the rates
  uint64_t until_ns = 0;      // monotonic, as `now_ns` below
};

class SourceThrottles {
 public:
  static constexpr size_t kMost = 4096;

  // Of a source that is throttled already the lower share and the later end count. False: `most` of
  // this server hold, or kMost of all.
  bool add(const Network& source, const SourceThrottle& wanted, uint64_t most, uint64_t now_ns);
  // Those of rules that it has no more end.
  void hold_against(const Policy& policy);
  // What each pays for the time since it last did: so much time of its buckets.
  std::map<Network, uint64_t, NetworkOrder> pay_ns(uint64_t now_ns);

  std::optional<SourceThrottle> find(const Address& address, uint64_t now_ns) const;
  bool empty() const { return kept_.empty(); }
  size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    SourceThrottle throttle;
    uint64_t paid_ns = 0;  // until then
  };
  std::map<Network, Kept, NetworkOrder> kept_;
};

}  // namespace dam::control

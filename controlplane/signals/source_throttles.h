// SPDX-License-Identifier: BSD-3-Clause
// Sources that have less of their zones' rates for a while: of each moment they pay a share, as if
// they had used it. Bounded, of each server too, whose word takes nothing of another's; without
// locks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "controlplane/bans/ban.h"
#include "controlplane/policy/model.h"

namespace dam::control {

struct SourceThrottle {
  Network source;
  std::string server;  // that has told of it
  std::string rule;
  uint32_t to_percent = 100;  // what is left of the rates
  uint64_t until_ns = 0;      // monotonic, as `now_ns` below
};

class SourceThrottles {
 public:
  static constexpr size_t kMost = 4096;
  enum class Begun { yes, server_has_all, all_are_taken };

  // One that holds already, by the same server and rule, holds longer. `most`: of this server.
  Begun add(const SourceThrottle& wanted, uint64_t most, uint64_t now_ns);
  // As its rules are now: where one is gone, or only tried, what it began ends.
  void hold_against(const Policy& policy, uint64_t now_ns);
  // What each source pays for the time since it last did, by the lowest share of those it has: so
  // much time of its buckets.
  std::map<Network, uint64_t, NetworkOrder> pay_ns(uint64_t now_ns);
  // How many an operator ends.
  size_t lift(const Network& source, uint64_t now_ns);

  // The lowest share.
  std::optional<SourceThrottle> find(const Address& address, uint64_t now_ns) const;
  bool empty() const { return kept_.empty(); }
  size_t size() const { return kept_.size(); }

 private:
  struct Key {
    Network source;
    std::string server;
    std::string rule;
    bool operator<(const Key& other) const;
  };
  struct Kept {
    uint32_t to_percent = 100;
    uint64_t until_ns = 0;
    uint64_t paid_ns = 0;  // until then
  };
  void forget_ended(uint64_t now_ns);

  std::map<Key, Kept> kept_;
};

}  // namespace dam::control

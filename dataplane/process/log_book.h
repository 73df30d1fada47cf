// SPDX-License-Identifier: BSD-3-Clause
// What waits to be logged, until the control plane takes it: connections that have ended, and whom
// the dam has refused what, summed up. Bounded; what finds no room is counted. Lives in the control
// thread; knows no clock.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <tuple>

#include "dataplane/core/counters.h"
#include "dataplane/core/sight.h"
#include "dataplane/engine/connection_record.h"
#include "dataplane/engine/policy.h"
#include "dataplane/engine/refused_hello.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

class LogBook {
 public:
  static constexpr size_t kMostConnections = 50'000;
  static constexpr size_t kMostAtOnce = 5'000;
  // Sources, zones and reasons that are told apart, of proven sources and of others each.
  static constexpr size_t kMostRefusals = 4'096;
  static constexpr size_t kMostKinds = 2 * kMostRefusals + 2 * DAM_MAX_ZONES * DAM_DROP_COUNT;
  // The first refusal of its kind is told at once, those after it together.
  static constexpr uint64_t kPauseNs = 10'000'000'000;
  static constexpr size_t kMostRefusalsAtOnce[2] = {250, 500};  // [is proven]; the others next time
  // Refusals that nobody has come for are forgotten.
  static constexpr uint64_t kKeptNs = 60'000'000'000;

  void take(const ConnectionRecord& record);
  void take(const dam_sight& sight);
  // Whose hello the refusal was; false: of that none is known yet.
  bool name(const RefusedHello& refused);
  void lost(uint64_t connections) { lost_connections_ += connections; }
  size_t connections() const { return connections_.size(); }
  size_t refusals() const { return refusals_[0].of.size() + refusals_[1].of.size(); }
  // `policy` gives the slots' names.
  void give(const Policy& policy, uint64_t now_ns, uint64_t unix_ns, v1::Log& to);

 private:
  struct Kind {
    dam_address client{};  // all zero: of those beyond
    uint8_t zone = 0;      // slot
    uint8_t reason = 0;    // enum dam_drop_reason
    bool operator<(const Kind& other) const {
      const int order = std::memcmp(&client, &other.client, sizeof client);
      return order != 0 ? order < 0 : std::tie(zone, reason) < std::tie(other.zone, other.reason);
    }
  };
  struct Refused {
    uint64_t count = 0;  // not told yet
    uint64_t last_ns = 0;
    uint64_t due_ns = 0;
    Ja4 ja4{};  // of the last one whose hello was read
  };
  struct Refusals {
    std::map<Kind, Refused> of;
    Kind told{};  // the last one, where the next turn goes on
  };
  void give_connections(const Policy& policy, uint64_t unix_less_monotonic_ns, v1::Log& to);
  void give_refusals(bool proven, const Policy& policy, uint64_t now_ns,
                     uint64_t unix_less_monotonic_ns, v1::Log& to);
  static void give(const Kind& kind, const Refused& refused, bool proven, const Policy& policy,
                   uint64_t unix_less_monotonic_ns, v1::Refusals& to);

  std::deque<ConnectionRecord> connections_;
  uint64_t lost_connections_ = 0;
  Refusals refusals_[2];  // [is proven]
  uint64_t given_ns_ = 0;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What each source does in the window that is under way, of what the control plane hears anyway.
// Bounded: a source beyond the most is not looked at, and counted. Administrators, the site's own
// addresses and whatever goes to management are left out: nobody needs to find their like.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_set>

#include "controlplane/bans/ban.h"
#include "controlplane/bans/protected_addresses.h"
#include "controlplane/lookalikes/activity.h"
#include "controlplane/lookalikes/behaviour_row.h"
#include "controlplane/policy/model.h"

namespace dam::control {

class Accumulators {
 public:
  static constexpr size_t kMostFlows = 65'536;  // whose requests are told apart

  struct Counts {
    size_t sources = 0;
    uint64_t refused = 0;  // of what sources did that found no room
  };

  // The policy's rules hold from now on; without any nothing is kept.
  void set_policy(std::shared_ptr<const Policy> policy);
  // What the dataplane's log tells. Refusals of unproven sources may be of forged addresses.
  void take(const v1::Log& log, int64_t now_ms);
  // `server` tells, by its name or address. What a server of management tells is of management;
  // where there are such, so may be what somebody tells who is no known server.
  void take(const std::string& server, const Signal& signal, int64_t now_ms);
  // All open connections, once before the window ends; where not all are known: none of them.
  void flows(std::span<const v1::Flow> all, int64_t now_ms);
  // The rows of who has done enough to be known by.
  BehaviourRows end_window(int64_t now_ms);
  // All that is known of it, of whatever lies in it, and of what it lies in.
  size_t forget(const Network& source);
  Counts counts() const;

 private:
  struct FlowKey {
    bool v6 = false;
    std::array<uint8_t, 16> client{};
    uint32_t port = 0;
    bool operator<(const FlowKey& other) const {
      return std::tie(v6, client, port) < std::tie(other.v6, other.client, other.port);
    }
  };
  using RequestsTold = std::map<FlowKey, uint64_t>;

  static FlowKey key_of(const Address& client, uint32_t port);
  void note_management();
  void note_tellers();
  bool may_tell(const std::string& server) const;
  void flow(const v1::Flow& flow, int64_t now_ms, RequestsTold& told);
  void connection(const v1::EndedConnection& ended, int64_t now_ms);
  Activity* activity_of(const Address& client, int64_t now_ms);
  bool is_spared(const Network& source) const;
  FlowRhythm untold(const FlowKey& key, FlowRhythm rhythm) const;
  void forget_flows(const std::function<bool(const Address&)>& of);

  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;
  std::optional<ProtectedAddresses> spared_;
  std::unordered_set<std::string> management_zones_;
  std::unordered_set<std::string> management_servers_;  // names and addresses
  std::unordered_set<std::string> servers_;             // of all, the same
  std::map<Network, Activity, NetworkOrder> sources_;
  // Requests of open connections that were counted, by client and port. Who was open at the look
  // before the last one may have ended just before that: the log tells of it later.
  RequestsTold flows_, earlier_flows_;
  uint64_t refused_ = 0;
};

}  // namespace dam::control

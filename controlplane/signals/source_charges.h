// SPDX-License-Identifier: BSD-3-Clause
// Charges on their way to the dataplane, in a thread of its own: all that came meanwhile at once,
// and each moment what throttled sources pay for it. What it cannot be told is forgotten: a charge
// of long ago slows nobody who deserves it now.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "controlplane/bans/ban.h"
#include "controlplane/dataplane_link/ask.h"
#include "controlplane/policy/model.h"
#include "controlplane/signals/source_throttles.h"

namespace dam::control {

class SourceCharges {
 public:
  static constexpr size_t kMostWaiting = 4096;

  using Clock = std::function<uint64_t()>;  // monotonic, ns

  using CurrentPolicy = std::function<std::shared_ptr<const Policy>()>;

  SourceCharges(Ask ask, Clock clock, CurrentPolicy policy);
  ~SourceCharges();
  SourceCharges(const SourceCharges&) = delete;
  SourceCharges& operator=(const SourceCharges&) = delete;

  bool add(const Network& source, const SignalCharge& charge);  // false: too many wait
  // As SourceThrottles has it, but until_ns is a time from now on, here and below.
  SourceThrottles::Begun throttle(SourceThrottle wanted, uint64_t most);
  size_t lift(const Network& source);  // how many an operator ends
  std::optional<SourceThrottle> throttle_of(const Address& address);
  size_t throttled();

 private:
  struct Due {
    SignalCharge charge;
    uint64_t time_ns = 0;
  };
  using Waiting = std::map<Network, Due, NetworkOrder>;
  void run();
  void throttles_pay(Waiting& charges);
  void tell(const Waiting& charges);

  const Ask ask_;
  const Clock clock_;
  const CurrentPolicy policy_;
  std::mutex mutex_;
  std::condition_variable came_;
  Waiting waiting_;
  SourceThrottles throttles_;
  std::chrono::steady_clock::time_point pay_at_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dam::control

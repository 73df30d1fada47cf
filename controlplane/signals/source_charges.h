// SPDX-License-Identifier: BSD-3-Clause
// Charges on their way to the dataplane, in a thread of its own: all that came meanwhile at once.
// What it cannot be told is forgotten: a charge of long ago slows nobody who deserves it now.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "controlplane/bans/ban.h"
#include "controlplane/dataplane_link/ask.h"
#include "controlplane/policy/model.h"

namespace dam::control {

class SourceCharges {
 public:
  static constexpr size_t kMostWaiting = 4096;

  explicit SourceCharges(Ask ask);
  ~SourceCharges();
  SourceCharges(const SourceCharges&) = delete;
  SourceCharges& operator=(const SourceCharges&) = delete;

  bool add(const Network& source, const SignalCharge& charge);  // false: too many wait

 private:
  using Waiting = std::map<Network, SignalCharge, NetworkOrder>;
  void run();
  void tell(const Waiting& charges);

  const Ask ask_;
  std::mutex mutex_;
  std::condition_variable came_;
  Waiting waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dam::control

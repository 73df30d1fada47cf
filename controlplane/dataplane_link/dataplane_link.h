// SPDX-License-Identifier: BSD-3-Clause
// Keeps the dataplane at the policy that is wanted, across restarts of either side.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/dataplane_link/connection.h"
#include "controlplane/policy/model.h"

namespace dam::control {

struct LinkState {
  bool connected = false;
  bool started = false;         // the dataplane has opened its ports
  uint64_t policy_version = 0;  // that the dataplane runs; 0: none
  std::string driver;
  std::string driver_reason;  // of `driver: auto`; empty: the policy names the driver
  std::string counters_path;
  uint64_t start_digest = 0;    // of the interfaces, limits and workers that it runs with
  bool restart_needed = false;  // it runs with other interfaces, limits or workers than wanted
  uint64_t bans_version = 0;    // of the bans that it holds
  uint64_t fingerprint_bans_version = 0;
  std::string trouble;  // what keeps it from the wanted policy; empty: nothing
};

struct Delivery {
  enum class Outcome { applied, waiting, refused };
  Outcome outcome = Outcome::waiting;
  uint64_t policy_version = 0;
  bool restart_needed = false;
  std::vector<std::string> errors;  // of a refusal
};

class DataplaneLink {
 public:
  // `log` gets one sentence for each change of the link's state.
  DataplaneLink(std::string socket_path, std::function<void(const std::string&)> log);
  ~DataplaneLink();

  // Puts the policy into force: now, or as soon as the dataplane answers. A policy that the
  // dataplane refuses leaves the one before it wanted and in force; where there is none, as after
  // a boot with an interface that is still missing, it stays wanted.
  Delivery deliver(std::shared_ptr<const Policy> policy);
  // Tells the dataplane these now, or as soon as it answers, and again after each of its restarts.
  // False, with the reason in the state's trouble: it does not have them yet.
  bool deliver(v1::ServerStates states);
  LinkState state() const;
  // One question, or one that changes something beside the policy. Nothing after `wrong` says why.
  std::optional<v1::Reply> ask(const v1::Request& request, std::chrono::milliseconds patience,
                               std::string& wrong);

 private:
  using Shared = std::shared_ptr<const Policy>;
  void run();
  void look_after();  // one round of the thread; conversation_ held
  bool hello();
  bool start(const Policy& policy, std::vector<std::string>& errors);
  bool send_states();
  bool check(const v1::Snapshot& snapshot, std::vector<std::string>& errors);
  Delivery apply(const Policy& policy);
  void trouble(const std::string& what);
  void lost(const std::string& why);
  void update(const std::function<void(LinkState&)>& change);

  const std::string socket_path_;
  const std::function<void(const std::string&)> log_;

  std::timed_mutex conversation_;  // held while talking; guards the six below
  Connection connection_;
  Shared wanted_;
  uint64_t version_ = 0;   // the last one that was sent
  bool in_force_ = false;  // wanted_ was applied through this connection
  v1::ServerStates states_;
  bool states_known_ = true;  // states_ were sent through this connection

  mutable std::mutex state_mutex_;
  LinkState state_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by state_mutex_
  std::thread thread_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Which sources behave alike. Off the packets' path: hears what the logs and the servers' signals
// tell, asks the dataplane for open connections once a window, and keeps a vector for each source
// and window in the site's database. Nothing else waits for it. Where no file says how to reach a
// database, nothing is kept.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/ask.h"
#include "controlplane/lookalikes/accumulators.h"
#include "controlplane/lookalikes/behaviour_store.h"
#include "controlplane/state/alarm_clock.h"

namespace dam::control {

struct LookalikeCounts {
  bool wanted = false;  // by the policy
  size_t sources = 0;   // in the window that is under way
  uint64_t refused = 0;
  StoreCounts rows;
};

// The policy wants none, or the database does not answer; in words.
class NoLookalikes : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Lookalikes {
 public:
  struct Ends {
    std::function<std::shared_ptr<const Policy>()> policy;
    Ask ask;                  // the dataplane
    BehaviourStore::Say say;  // of the database
    StoreLimits limits{};
  };
  Lookalikes(std::filesystem::path database, Ends ends);
  ~Lookalikes();
  Lookalikes(const Lookalikes&) = delete;
  Lookalikes& operator=(const Lookalikes&) = delete;

  bool wants_log() const;
  void take(const v1::Log& log);
  void take(const std::string& server, const Signal& signal);

  // What the policy takes for one source; throws NoLookalikes, as all below.
  Network source_with(const Address& address) const;
  double usual_distance() const;
  SimilarAnswer similar(const SimilarQuery& query) const;
  // In memory, in the queue and in the database: how many windows that were. Throws where some of
  // it may be left.
  uint64_t forget(const Network& source);
  LookalikeCounts counts() const;

 private:
  std::shared_ptr<const Policy> policy_now() const;  // that wants it
  std::shared_ptr<BehaviourStore> store_now() const;
  void round();
  bool follow(const std::shared_ptr<const Policy>& policy);
  uint64_t erase(const BehaviourStore& store, const Network& source) const;
  bool has_place() const;
  void tell_place(bool wanted, bool found);
  std::optional<std::vector<v1::Flow>> open_flows() const;  // nothing: not all could be had

  const std::filesystem::path file_;
  const Ends ends_;
  Accumulators accumulators_;
  // Held from a window's end until its rows are in the queue: who is forgotten meanwhile is in
  // neither.
  std::mutex ending_;
  mutable std::mutex mutex_;
  bool wanted_ = false;                    // by the policy
  bool missed_ = false;                    // its file is not there, and that was said
  std::shared_ptr<BehaviourStore> store_;  // while it is wanted and its file is there
  int64_t window_ = 0;                     // number of the one that is under way
  AlarmClock alarm_;                       // last: its thread uses the above
};

}  // namespace dam::control

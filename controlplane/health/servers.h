// SPDX-License-Identifier: BSD-3-Clause
// The servers as they are: what people have said of them, and what checks have found. Tells the
// dataplane who takes new connections.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/health/checker.h"
#include "controlplane/health/server_store.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

const char* intake_text(Intake intake);  // "enabled", "drained", "disabled"

struct ServerChange {
  std::optional<Intake> intake;
  std::optional<uint32_t> weight;  // 0: the policy's
};

struct ServerChangeResult {
  enum class Outcome { applied, waiting, unknown_server, not_saved };
  Outcome outcome = Outcome::applied;
  std::string trouble;                // of what was not saved
  std::vector<std::string> warnings;  // what the change means for routes
};

struct ServerSight {
  ServerWord word;
  std::optional<ServerHealth> health;  // of servers that have a check
};

class Servers {
 public:
  struct Parts {
    std::function<bool(v1::ServerStates)> deliver;  // false: the dataplane has to wait for them
    std::function<bool(const std::string& server)> dam_sees;
    std::function<void(const std::string& server, const std::string& sentence)> say;
    // False: the words are in memory alone. Of whom none was said the dataplane goes on as before.
    bool remembers = true;
  };
  Servers(ServerStore& store, Parts parts);

  // Hands the policy to `deliver`, which may refuse it. The dataplane hears of its servers' states
  // first, so that no drained one takes a connection meanwhile.
  Delivery put_in_force(std::shared_ptr<const Policy> policy,
                        const std::function<Delivery(std::shared_ptr<const Policy>)>& deliver);
  ServerChangeResult change(const std::string& server, const ServerChange& change,
                            const std::string& author);
  std::map<std::string, ServerSight> look() const;  // of the policy's servers
  // What the certificates that its servers showed last say against a policy (coalescing.h).
  std::vector<Problem> objections(const Policy& policy) const;

 private:
  void follow(std::shared_ptr<const Policy> policy);
  v1::ServerStates states() const;
  std::vector<std::string> warnings() const;
  void spare_disabled();
  bool tell();

  ServerStore& store_;
  const Parts parts_;
  std::mutex telling_;  // the newest is told last
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;
  std::map<std::string, ServerWord> words_;
  Checker checker_;  // last: its threads use all of the above
};

}  // namespace dam::control

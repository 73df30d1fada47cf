// SPDX-License-Identifier: BSD-3-Clause
// What is ordered of servers, by name: apart from the policy, since it outlives that one's changes,
// and no list has to be built anew for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

class ServerStates {
 public:
  // The whole truth: whom it does not name takes new connections, with the policy's weight. Returns
  // what is wrong, as sentences; then nothing has changed. Names that no policy has are no error:
  // one may come that does.
  std::vector<std::string> take(const v1::ServerStates& message);
  ServerOrder order_of(const std::string& name) const;
  // What a restart keeps: people's words. What checks have found is said anew, or known no more.
  v1::ServerStates lasting() const;
  // Nobody renews what checks have found. True: something has changed by it.
  bool forget_health();

 private:
  struct Entry {
    v1::ServerIntake intake = v1::TAKES_NEW;
    bool unhealthy = false;
    uint16_t weight = 0;  // 0: the policy's
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace dam

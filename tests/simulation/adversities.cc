// SPDX-License-Identifier: BSD-3-Clause
// What goes wrong in a run, and when.
#include <algorithm>

#include "tests/simulation/scenario.h"

namespace dam::simulation {

void Scenario::schedule() {
  EventQueue& queue = environment_.queue;
  if (adversities_.mtu_shrinks) {
    queue.after(random_.below(busy_ns_), [this] {
      for (uint16_t i = 0; i < world_->clients(); ++i) {
        world_->client(i).down->faults.mtu = static_cast<uint16_t>(random_.between(1280, 1500));
        world_->client(i).up->faults.mtu = static_cast<uint16_t>(random_.between(1280, 1500));
      }
    });
  }
  if (adversities_.secrets_rotate) {
    for (uint64_t at_ns = random_.below(busy_ns_); at_ns < busy_ns_; at_ns += random_.between(6, 12) * kSecond) {
      queue.after(at_ns, [this] {
        const uint64_t fresh[2] = {random_.next(), random_.next()};
        world_->dam().engine().rotate_secret(fresh);
      });
    }
  }
}

std::string Scenario::excuse(const Connection& connection) const {
  const auto odd = [](const Behaviour& b) {
    return b.ending == Ending::abort || b.ending == Ending::vanish || b.ending == Ending::stay;
  };
  if (odd(connection.client_plan)) return "its client ends it";
  if (odd(connection.server_plan)) return "its server ends it";
  return "";
}

}  // namespace dam::simulation

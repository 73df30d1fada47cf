// SPDX-License-Identifier: BSD-3-Clause
// What the dam's interfaces are like, once a second: into the counters, and into the log what has
// changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/drivers/netdev/link_state.h"
#include "dataplane/engine/start_config.h"
#include "dataplane/process/plane.h"

namespace dam {

class LinkWatch {
 public:
  // Names the interfaces in `counters`, which outlives this.
  LinkWatch(const StartConfig& config, dam_counters& counters);
  // Every 100 ms; looks at each tenth, and not at once: what opened the ports made links go.
  void tick(Plane& plane);

 private:
  void look_at(uint32_t port, Plane& plane);
  void publish(uint32_t port, const PortSight& sight, bool flipped);

  struct Port {
    std::string device;
    LinkState link;
    bool known = false;
  };
  std::vector<Port> ports_;
  std::vector<uint8_t> port_of_;  // by interface
  dam_counters& counters_;
  uint32_t ticks_ = 0;
};

}  // namespace dam

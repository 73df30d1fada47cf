// SPDX-License-Identifier: BSD-3-Clause
// One way of a cable between a host and the dam, with a router in it: loses, doubles, overtakes,
// delays and damages packets as its faults and the seed say, and tells who sends too much at once.
#pragma once

#include <functional>
#include <string>

#include "tests/simulation/environment.h"
#include "tests/simulation/ip_packet.h"

namespace dam::simulation {

struct LinkFaults {
  double lose = 0;
  double duplicate = 0;
  double reorder = 0;
  double corrupt = 0;  // one bit, which any checksum finds
  uint64_t delay_ns = 1 * kMs;
  uint64_t jitter_ns = 0;
  uint16_t mtu = 1500;
  bool cut = false;
};

class Link {
 public:
  using Deliver = std::function<void(Bytes)>;

  // `refuse` takes what the router answers to who sent too much at once.
  Link(Environment& environment, std::string name, dam_address router, Deliver deliver,
       Deliver refuse)
      : environment_(environment),
        random_(environment.random.fork()),
        name_(std::move(name)),
        router_v4_(router),
        deliver_(std::move(deliver)),
        refuse_(std::move(refuse)) {}

  LinkFaults faults;

  void send(Bytes packet);

 private:
  void carry(Bytes packet, bool overtaken);
  void say(const char* what, const Bytes& packet);

  Environment& environment_;
  Random random_;
  std::string name_;
  dam_address router_v4_;
  Deliver deliver_;
  Deliver refuse_;
  uint64_t last_arrival_ns_ = 0;
};

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// Somebody who can send what they like by the router, from any address, and sees nothing of what
// the others send: floods, blind segments into others' connections, forged errors, rubbish.
#pragma once

#include "tests/simulation/world.h"

namespace dam::simulation {

class Attacker {
 public:
  Attacker(Environment& environment, World& world)
      : environment_(environment), world_(world), random_(environment.random.fork()) {}

  // So many packets, one each so often.
  void attack(uint64_t packets, uint64_t gap_ns);

 private:
  Bytes next_packet();
  Bytes flood();
  Bytes blind();
  Bytes as_a_server();
  Bytes forged_error();
  Bytes rubbish();
  const Connection& victim();
  dam_address anybody(uint8_t family);

  Environment& environment_;
  World& world_;
  Random random_;
};

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// All connections of a run, by their identity, which each one's opening carries.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/connection_plan.h"
#include "tests/simulation/nic.h"
#include "tests/simulation/random.h"

namespace dam::simulation {

class ConnectionBook {
 public:
  Connection& add() {
    Connection& connection = connections_.emplace_back();
    connection.id = static_cast<uint32_t>(connections_.size());
    return connection;
  }
  Connection* find(uint32_t id) {
    return id == 0 || id > connections_.size() ? nullptr : &connections_[id - 1];
  }
  // Who of this address has begun a connection that no server has seen yet.
  std::optional<uint32_t> who_waits(const dam_address& client, uint16_t port) const;
  std::deque<Connection>& all() { return connections_; }
  const std::deque<Connection>& all() const { return connections_; }
  // By a server's address, and the dam's and its port towards it: whose connection that is.
  std::map<std::tuple<std::string, std::string, uint16_t>, const Connection*> owners;

 private:
  std::deque<Connection> connections_;  // in place: applications point into it
};

// A ClientHello, requests or the identity alone, as the kind and the client's plan ask for; of odd
// sizes.
Bytes make_opening(Connection& connection, Random& random);
// Nothing yet where there are too few octets; 0 where no opening begins so.
std::optional<uint32_t> identity_of(std::span<const uint8_t> octets);

}  // namespace dam::simulation

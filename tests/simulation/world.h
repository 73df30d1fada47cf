// SPDX-License-Identifier: BSD-3-Clause
// The network of a run: client hosts, the dam, servers, and a cable each way between each host and
// the dam.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "tests/simulation/connection_book.h"
#include "tests/simulation/dam.h"
#include "tests/simulation/endpoint.h"
#include "tests/simulation/link.h"
#include "tests/simulation/lwip_stack.h"
#include "tests/simulation/nic.h"
#include "tests/simulation/server_host.h"
#include "tests/simulation/site.h"

namespace dam::simulation {

// A host and its two cables.
struct Host {
  netif* interface = nullptr;
  std::unique_ptr<Link> up;    // towards the dam
  std::unique_ptr<Link> down;  // from it
  std::unique_ptr<Nic> nic;
};

class World {
 public:
  World(Environment& environment, const Site& site, uint16_t clients);

  Dam& dam() { return *dam_; }
  ServerHost& server(uint16_t slot) { return *servers_[slot]; }
  Host& client(uint16_t index) { return clients_[index]; }
  Host& server_host(uint16_t slot) { return server_hosts_[slot]; }
  uint16_t clients() const { return static_cast<uint16_t>(clients_.size()); }
  ConnectionBook& book() { return book_; }
  const ConnectionBook& book() const { return book_; }
  LwipStack& stack() { return stack_; }
  Environment& environment() { return environment_; }

  void start(Connection& connection);
  // Of a server's segment: the client's host and family, once the server has read whose it is.
  std::optional<std::pair<uint16_t, uint8_t>> owner_of(const TcpView& view) const;
  void expect_strangers();  // forged sources get answers, and forged errors come
  void set_faults(const LinkFaults& front, const LinkFaults& back);

 private:
  void add_host(std::deque<Host>& hosts, const dam_address& v4, const dam_address& v6,
                uint8_t port);
  void deliver(Bytes packet);
  Host* host_of(const dam_address& address);
  void take(Connection& connection, std::span<const uint8_t> octets);

  Environment& environment_;
  LwipStack stack_;
  ConnectionBook book_;
  std::unique_ptr<Dam> dam_;
  std::deque<Host> clients_;
  std::deque<Host> server_hosts_;
  std::deque<std::unique_ptr<ServerHost>> servers_;
  // A damaged address may be answered, which a checksum would have refused; and a forged one.
  bool damages_ = false;
  std::deque<Endpoint> endpoints_;  // of clients
};

}  // namespace dam::simulation

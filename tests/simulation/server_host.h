// SPDX-License-Identifier: BSD-3-Clause
// A server of the site: it reads the PROXY header and the opening, knows by them whose connection
// it is, and holds every octet against what that client sends. It may refuse, die and come back.
#pragma once

#include <deque>
#include <memory>

#include "tests/simulation/connection_book.h"
#include "tests/simulation/endpoint.h"
#include "tests/simulation/nic.h"
#include "tests/simulation/proxy_check.h"
#include "tests/simulation/site.h"

namespace dam::simulation {

class ServerHost {
 public:
  ServerHost(Environment& environment, ConnectionBook& book, netif* host, Nic& nic, uint16_t slot,
             const Site& site);

  void listen();
  void refuse();  // nobody listens; what stands, stands
  void die();     // no power: it is silent, and remembers nothing
  void revive();

 private:
  struct Accepted {
    std::unique_ptr<Endpoint> endpoint;
    Bytes unread;  // until it is known whose connection it is
    Connection* connection = nullptr;
    uint64_t offset = 0;
    dam_address local{};
    dam_address remote{};
    uint16_t remote_port = 0;
  };

  static err_t on_accept(void* self, tcp_pcb* pcb, err_t error);
  void accept(tcp_pcb* pcb);
  void take(Accepted& accepted, std::span<const uint8_t> octets);
  void identify(Accepted& accepted);
  void check_header(const ProxyHeader& header, const Connection& connection);
  void join_ends(Accepted& accepted, uint32_t header_bytes);
  void broken(const std::string& what, const Connection& connection);

  Environment& environment_;
  ConnectionBook& book_;
  netif* host_;
  Nic& nic_;
  uint16_t slot_;
  ProxyVersion proxy_;
  uint8_t tlvs_;
  bool speaks_first_;  // once the PROXY header has said whose connection it is
  std::vector<tcp_pcb*> listeners_;
  std::deque<Accepted> accepted_;
};

}  // namespace dam::simulation

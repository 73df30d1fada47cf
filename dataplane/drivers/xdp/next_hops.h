// SPDX-License-Identifier: BSD-3-Clause
// Link addresses of next hops from the host's own neighbour table: on a NIC that the host uses too
// there is one ARP and one NDP, the kernel's. It is asked to resolve what the engine needs, and to
// keep it fresh, and says by netlink what changes.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "dataplane/drivers/xdp/view.h"
#include "dataplane/engine/neighbours.h"

namespace dam {

class NextHops {
 public:
  explicit NextHops(std::vector<XdpInterface> interfaces);  // throws std::system_error

  // Asks for what is new, and takes in what has changed since the last call. Control thread.
  void attend(Neighbours& neighbours);

 private:
  void ask(uint16_t interface, const dam_address& address);
  void ask_for_all();
  void read(Neighbours& neighbours);
  void take(const nlmsghdr* message, Neighbours& neighbours);

  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  std::vector<XdpInterface> interfaces_;
  std::unique_ptr<mnl_socket, Close> socket_;
  std::set<uint16_t> asked_;
};

}  // namespace dam

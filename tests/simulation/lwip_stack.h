// SPDX-License-Identifier: BSD-3-Clause
// The TCP of all hosts: Debian's lwIP, one stack for a process, driven without its threads. What it
// asks of its system (time, chance, initial sequence numbers) it is given by the run, since a
// program's own functions go before a library's (lwip_stack.cc).
#pragma once

#include <deque>
#include <functional>

#include "tests/simulation/environment.h"
#include "tests/simulation/ip_packet.h"

extern "C" {
#include <lwip/netif.h>
#include <lwip/tcp.h>
}

namespace dam::simulation {

class LwipStack {
 public:
  using Output = std::function<void(Bytes)>;

  explicit LwipStack(Environment& environment);  // one for a process

  // A host with an address of each family; `output` takes what it sends. mtu: what its TCP may use.
  netif* add_host(const dam_address& v4, const dam_address& v6, uint16_t mtu);
  void set_output(netif* host, Output output) { outputs_[index_of(host)] = std::move(output); }
  void input(netif* host, const Bytes& packet);

  static ip_addr_t address_of(const dam_address& address);
  static dam_address address_of(const ip_addr_t& address);
  // Of this host's connection, or null.
  static tcp_pcb* find(const dam_address& local, uint16_t local_port, const dam_address& remote,
                       uint16_t remote_port);
  // RFC 1122 4.2.2.13 and RFC 6191: a SYN beyond the last number ends TIME-WAIT, which lwIP does
  // not know.
  static void reopen(const TcpView& syn);
  static void end_time_wait();
  // RFC 7323 5.3 R1: so is an old duplicate answered, which the NIC keeps from the stack.
  static void acknowledge(const TcpView& refused);

  // lwIP's own calls.
  void emit(const pbuf* packet);
  uint32_t next_initial_sequence();
  // An assertion of lwIP's own does not hold: `whoever_ends` ends the run, which says nothing.
  void give_up() const { whoever_ends(); }
  std::function<void()> whoever_ends = [] {};
  Environment& environment() { return environment_; }

 private:
  size_t index_of(const netif* host) const;
  void check_timers();

  Environment& environment_;
  Random random_;
  std::deque<netif> hosts_;
  std::deque<Output> outputs_;
};

}  // namespace dam::simulation

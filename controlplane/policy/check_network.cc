// SPDX-License-Identifier: BSD-3-Clause
#include <map>
#include <tuple>

#include "controlplane/policy/check.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

std::string in_line(Mark mark) { return "line " + std::to_string(mark.line); }

bool on_interface_network(const Interface& interface, const Address& address) {
  for (const auto& own : interface.addresses) {
    if (own.value.contains(address)) return true;
  }
  return false;
}

bool has_family(const Interface& interface, bool v6) {
  for (const auto& own : interface.addresses) {
    if (own.value.address.v6 == v6) return true;
  }
  return false;
}

void check_gateways(const Named<Interface>& interface, Problems& problems) {
  int families[2] = {0, 0};
  for (const auto& gateway : interface.value.gateways) {
    const Address& address = gateway.value;
    if (++families[address.v6] == 2) {
      problems.error(gateway.mark, "a second " + std::string(address.family()) + " gateway",
                     "write at most one per family");
    }
    for (const auto& own : interface.value.addresses) {
      if (own.value.address != address) continue;
      problems.error(gateway.mark, "gateway " + address.text() + " is the dam's own address",
                     "write the router's address");
    }
    const bool on_the_way = on_interface_network(interface.value, address) ||
                            (is_link_local(address) && has_family(interface.value, address.v6));
    if (!on_the_way) {
      problems.error(
          gateway.mark,
          "gateway " + address.text() + " is on no network of interface \"" + interface.name + "\"",
          "it must share a network with one of the interface's addresses");
    }
  }
}

// Each family has one way out: clients behind the router of another link would be refused, for the
// dam would answer them by the first.
void check_ways_out(const Policy& policy, Problems& problems) {
  const Named<Interface>* way[2] = {};
  for (const auto& interface : policy.interfaces) {
    for (const auto& gateway : interface.value.gateways) {
      const auto*& first = way[gateway.value.v6];
      if (first == nullptr) first = &interface;
      if (first == &interface) continue;
      problems.error(gateway.mark,
                     "a second " + std::string(gateway.value.family()) + " gateway: interface \"" +
                         first->name + "\" has one (" + in_line(first->mark) +
                         "), and clients behind this one would be refused",
                     "write one for the whole dam, where the clients come from");
    }
  }
}

// The first and the last address of an IPv4 network belong to no host (RFC 1122 3.2.1.3, RFC 3021).
bool is_broadcast_of(const Network& network, const Address& address) {
  if (address.v6 || network.prefix_bits > 30 || !network.contains(address)) return false;
  Network last = network.masked();
  for (unsigned bit = network.prefix_bits; bit < 32; ++bit) {
    last.address.bytes[bit / 8] |= static_cast<uint8_t>(0x80u >> (bit % 8));
  }
  return address == last.address || address == network.masked().address;
}

void check_host(const Policy& policy, const Located<Address>& host, Problems& problems) {
  for (const auto& interface : policy.interfaces) {
    for (const auto& own : interface.value.addresses) {
      if (!is_broadcast_of(own.value, host.value)) continue;
      problems.error(host.mark,
                     host.value.text() + " is the address of the whole network " +
                         own.value.masked().text() + ", or its broadcast address",
                     "no host can have it");
      return;
    }
  }
}

// Each network and each address belongs to one interface.
void check_interface_networks(const Policy& policy, Problems& problems) {
  std::map<std::string, std::pair<std::string, Mark>> networks;
  std::map<std::string, std::pair<std::string, Mark>> addresses;
  for (const auto& interface : policy.interfaces) {
    for (const auto& own : interface.value.addresses) {
      const auto [at, fresh] =
          networks.emplace(own.value.masked().text(), std::pair(interface.name, own.mark));
      if (!fresh && at->second.first != interface.name) {
        problems.error(own.mark,
                       "network " + at->first + " is on interface \"" + at->second.first +
                           "\" too (" + in_line(at->second.second) + ")",
                       "the dam could not tell which way leads there");
        continue;
      }
      const auto [taken, first] =
          addresses.emplace(own.value.address.text(), std::pair(interface.name, own.mark));
      if (!first) {
        problems.error(own.mark,
                       "address " + taken->first + " is on interface \"" + taken->second.first +
                           "\" already (" + in_line(taken->second.second) + ")",
                       "write it once");
      }
      check_host(policy, {own.value.address, own.mark}, problems);
    }
  }
}

void check_devices(const Policy& policy, Problems& problems) {
  std::map<std::pair<std::string, uint64_t>, std::string> seen;
  for (const auto& interface : policy.interfaces) {
    if (interface.value.device.empty()) continue;
    const auto [at, fresh] =
        seen.emplace(std::pair(interface.value.device, interface.value.vlan), interface.name);
    if (!fresh && at->second != interface.name) {
      problems.error(interface.mark,
                     "interfaces \"" + at->second + "\" and \"" + interface.name +
                         "\" are the same device and VLAN",
                     "put all addresses into one, or give each a vlan");
    }
  }
}

}  // namespace

void check_interfaces(const Policy& policy, Problems& problems) {
  for (const auto& interface : policy.interfaces) {
    const uint64_t queues = interface.value.queues;
    if (queues != 0 && queues != policy.workers) {
      problems.error(interface.mark,
                     "interface \"" + interface.name + "\" has " + std::to_string(queues) +
                         " queues for " + std::to_string(policy.workers) + " workers",
                     "each worker has one queue of its own: leave queues out");
    }
  }
  for (const auto& interface : policy.interfaces) {
    if (!interface.value.broken) check_gateways(interface, problems);
  }
  check_ways_out(policy, problems);
  check_interface_networks(policy, problems);
  check_devices(policy, problems);
}

namespace {

// The interface whose network holds the address, or whose gateway leads to it.
bool reachable(const Policy& policy, const Address& address) {
  for (const auto& interface : policy.interfaces) {
    if (on_interface_network(interface.value, address)) return true;
    for (const auto& gateway : interface.value.gateways) {
      if (gateway.value.v6 == address.v6) return true;
    }
  }
  return false;
}

bool on_any_network(const Policy& policy, const Address& address) {
  for (const auto& interface : policy.interfaces) {
    if (on_interface_network(interface.value, address)) return true;
  }
  return false;
}

bool is_own_address(const Policy& policy, const Address& address) {
  for (const auto& interface : policy.interfaces) {
    for (const auto& own : interface.value.addresses) {
      if (own.value.address == address) return true;
    }
  }
  return false;
}

// Interfaces that could not be read would make every address look lost.
bool interfaces_known(const Policy& policy) {
  for (const auto& interface : policy.interfaces) {
    if (interface.value.broken) return false;
  }
  return !policy.interfaces.empty();
}

void check_listener_names(const Policy& policy, Problems& problems) {
  std::map<std::string, Mark> seen;
  for (const Listener& listener : policy.listeners) {
    if (listener.name.value.empty()) continue;
    const auto [at, fresh] = seen.emplace(listener.name.value, listener.name.mark);
    if (!fresh) {
      problems.error(
          listener.name.mark, "a second listener named \"" + listener.name.value + "\"",
          "the first is in " + in_line(at->second) + "; one listener may have several addresses");
    }
  }
}

// Packets towards that server would come back to the dam.
void check_no_server(const Policy& policy, const Located<Address>& address, Problems& problems) {
  for (const auto& server : policy.servers) {
    for (const auto& own : server.value.addresses) {
      if (own.value != address.value) continue;
      problems.error(address.mark,
                     address.value.text() + " is the address of server \"" + server.name + "\"",
                     "a listener takes what arrives for the dam: write an address of its own");
    }
  }
}

}  // namespace

void check_listeners(const Policy& policy, Problems& problems) {
  check_listener_names(policy, problems);
  std::map<std::tuple<std::string, uint64_t>, std::pair<std::string, Mark>> seen;
  size_t count = 0;
  for (const Listener& listener : policy.listeners) {
    for (const auto& address : listener.addresses) {
      const std::string where = address.value.text() + " port " + std::to_string(listener.port);
      const auto [at, fresh] = seen.emplace(std::tuple(address.value.text(), listener.port),
                                            std::pair(listener.name.value, address.mark));
      if (!fresh && listener.port != 0) {
        problems.error(address.mark,
                       where + " is taken by listener \"" + at->second.first + "\" already",
                       "see " + in_line(at->second.second));
      }
      if (++count == kMaxListenerAddresses + 1) {
        problems.error(
            address.mark,
            "more than " + std::to_string(kMaxListenerAddresses) + " addresses of listeners",
            "this one is too many");
      }
      check_host(policy, address, problems);
      check_no_server(policy, address, problems);
      if (interfaces_known(policy) && !on_any_network(policy, address.value)) {
        problems.warning(address.mark, address.value.text() + " is on no network of an interface",
                         "this works only if the router sends its packets to the dam");
      }
    }
  }
}

void check_servers(const Policy& policy, Problems& problems) {
  for (const auto& server : policy.servers) {
    int families[2] = {0, 0};
    for (const auto& address : server.value.addresses) {
      const Address& a = address.value;
      if (++families[a.v6] == 2) {
        problems.error(
            address.mark,
            "server \"" + server.name + "\" has two " + std::string(a.family()) + " addresses",
            "make them two servers, and a pool of the two: servers: [a, b]");
      }
      check_host(policy, address, problems);
      if (is_own_address(policy, a)) {
        problems.error(address.mark, a.text() + " is the dam's own address",
                       "write the server's address");
      } else if (interfaces_known(policy) && !reachable(policy, a)) {
        problems.error(address.mark, "no interface leads to " + a.text(),
                       "give an interface an address in its network, or an " +
                           std::string(a.family()) + " gateway");
      }
    }
    if (!server.value.broken && !server.value.tlvs.empty() && server.value.proxy != Proxy::v2) {
      problems.error(server.value.tlvs.front().mark, "tlvs need `proxy: v2`",
                     "PROXY protocol v1 has no room for them");
    }
  }
}

}  // namespace dam::control

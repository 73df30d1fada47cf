// SPDX-License-Identifier: BSD-3-Clause
// A small policy that is right; tests break it in one place at a time.
#pragma once

#include <arpa/inet.h>

#include <string>

#include "dataplane/core/types.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

inline std::string wire(const std::string& text) {
  char bytes[16];
  const bool v6 = text.find(':') != std::string::npos;
  inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes);
  return {bytes, v6 ? 16u : 4u};
}

inline dam_address address(const std::string& text) {
  const std::string bytes = wire(text);
  if (bytes.size() == 4) return dam_address_v4(dam_load32(bytes.data()));
  dam_address result;
  __builtin_memcpy(&result, bytes.data(), sizeof result);
  return result;
}

inline void set_subnet(v1::Subnet* subnet, const std::string& text, uint32_t bits) {
  subnet->set_address(wire(text));
  subnet->set_prefix_bits(bits);
}

inline v1::Server* add_server(v1::Snapshot& snapshot, const std::string& name,
                              const std::string& at, uint32_t port = 443) {
  v1::Server* server = snapshot.add_servers();
  server->set_name(name);
  server->add_addresses(wire(at));
  server->set_port(port);
  return server;
}

inline v1::Listener* add_listener(v1::Snapshot& snapshot, const std::string& name,
                                  const std::string& at, uint32_t port, v1::Protocol protocol) {
  v1::Listener* listener = snapshot.add_listeners();
  listener->set_name(name);
  listener->add_addresses(wire(at));
  listener->set_port(port);
  listener->set_protocol(protocol);
  return listener;
}

inline v1::Route* add_route(v1::Snapshot& snapshot, const std::string& name,
                            const std::string& listener, const std::string& zone,
                            const std::string& server, const std::string& server_name) {
  v1::Route* route = snapshot.add_routes();
  route->set_name(name);
  route->set_listener(listener);
  route->set_zone(zone);
  route->add_servers(server);
  if (!server_name.empty()) route->add_server_names(server_name);
  return route;
}

// Listeners web (TLS), plain (HTTP), ssh (TCP); zones pages, office; servers service, management.
inline v1::Snapshot example_policy() {
  v1::Snapshot snapshot;
  snapshot.set_version(7);
  add_listener(snapshot, "web", "198.51.100.10", 443, v1::TLS);
  add_listener(snapshot, "plain", "198.51.100.10", 80, v1::HTTP);
  add_listener(snapshot, "ssh", "198.51.100.10", 22, v1::TCP);
  snapshot.add_zones()->set_name("pages");
  v1::Zone* office = snapshot.add_zones();
  office->set_name("office");
  office->set_management(true);
  add_server(snapshot, "service", "198.18.1.2");
  add_server(snapshot, "management", "198.18.2.2");
  add_route(snapshot, "shop", "web", "pages", "service", "shop.example.org");
  add_route(snapshot, "admin", "web", "office", "management", "*.admin.example.org");
  add_route(snapshot, "acme", "plain", "pages", "service", "shop.example.org")
      ->set_path_prefix("/.well-known/acme-challenge/");
  add_route(snapshot, "shell", "ssh", "office", "management", "");
  return snapshot;
}

}  // namespace dam

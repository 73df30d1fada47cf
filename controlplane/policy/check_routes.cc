// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <map>
#include <set>

#include "controlplane/policy/check.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

std::string guess_hint(const std::string& word, const std::vector<std::string>& known) {
  const std::string guess = did_you_mean(word, known);
  if (!guess.empty()) return "did you mean \"" + guess + "\"?";
  return known.empty() ? "none is defined" : "defined are " + any_of(known);
}

void unknown(Problems& problems, const char* what, const Located<std::string>& name,
             const std::vector<std::string>& known) {
  // The whole list could not be read, and said so.
  if (known.empty() && problems.failed()) return;
  problems.error(name.mark, std::string("no ") + what + " is named \"" + name.value + "\"",
                 guess_hint(name.value, known));
}

std::vector<std::string> listener_names(const Policy& policy) {
  std::vector<std::string> names;
  for (const Listener& listener : policy.listeners) names.push_back(listener.name.value);
  return names;
}

void check_references(const Policy& policy, const Route& route, Problems& problems) {
  if (!route.listener.value.empty() && find_listener(policy, route.listener.value) == nullptr) {
    unknown(problems, "listener", route.listener, listener_names(policy));
  }
  if (route.zone.value == kFrontZone) {
    problems.error(route.zone.mark, "a route cannot use the zone \"front\"",
                   "front is charged before a route is known: name another zone");
  } else if (!route.zone.value.empty() && find_named(policy.zones, route.zone.value) == nullptr) {
    unknown(problems, "zone", route.zone, names_of(policy.zones));
  }
  std::set<std::string> pool;
  for (const auto& server : route.servers) {
    if (find_named(policy.servers, server.value) == nullptr) {
      unknown(problems, "server", server, names_of(policy.servers));
    } else if (!pool.insert(server.value).second) {
      problems.error(server.mark, "server \"" + server.value + "\" is in this pool twice",
                     "a larger share is the server's weight");
    }
  }
  if (route.fallback.value.empty()) return;
  if (find_named(policy.servers, route.fallback.value) == nullptr) {
    unknown(problems, "server", route.fallback, names_of(policy.servers));
  } else if (pool.contains(route.fallback.value)) {
    problems.error(route.fallback.mark,
                   "the fallback \"" + route.fallback.value + "\" is in the pool already",
                   "name another server, or leave the fallback out");
  }
}

void check_has_server(const Route& route, Problems& problems) {
  if (route.servers.empty()) {
    problems.error(route.mark, "route \"" + route.name.value + "\" has no server",
                   "write server: NAME or servers: [NAME, …]");
  }
}

// The dam translates addresses, it does not turn IPv4 into IPv6.
void check_family(const Policy& policy, const Listener& listener, const Located<std::string>& name,
                  Problems& problems) {
  const auto* server = find_named(policy.servers, name.value);
  if (server == nullptr || server->value.broken) return;
  for (const auto& address : listener.addresses) {
    bool served = false;
    for (const auto& own : server->value.addresses) served |= own.value.v6 == address.value.v6;
    if (served) continue;
    problems.error(name.mark,
                   "server \"" + name.value + "\" has no " + std::string(address.value.family()) +
                       " address, but listener \"" + listener.name.value + "\" takes " +
                       address.value.text(),
                   "add one to the server, or take this address off the listener");
    return;
  }
}

void check_conditions(const Route& route, const Listener& listener, Problems& problems) {
  const bool tcp = listener.protocol == Protocol::tcp;
  if (tcp && (!route.server_names.empty() || route.absent_server_name)) {
    problems.error(route.mark,
                   "route \"" + route.name.value + "\" has server names, but listener \"" +
                       listener.name.value + "\" is tcp",
                   "take them off, or write `protocol: tls` at the listener");
  }
  if (!tcp && route.server_names.empty() && !route.absent_server_name) {
    problems.error(route.mark, "route \"" + route.name.value + "\" takes no server name",
                   "write server_names: […], or absent_server_name: true for clients without one");
  }
  if (!route.alpn.empty() && listener.protocol != Protocol::tls) {
    problems.error(route.alpn.front().mark, "alpn works on tls listeners only",
                   "\"" + listener.name.value + "\" is another: take alpn off");
  }
  if (!route.ja4.empty() && listener.protocol != Protocol::tls) {
    problems.error(route.ja4.front().mark, "ja4 works on tls listeners only",
                   "\"" + listener.name.value + "\" is another: take ja4 off");
  }
  if (route.path.value.empty()) return;
  if (listener.protocol != Protocol::http) {
    problems.error(route.path.mark, "path works on http listeners only",
                   "inside TLS the dam cannot see it: take path off");
  } else if (!route.path.value.starts_with('/')) {
    problems.error(route.path.mark, "a path begins with \"/\"",
                   "write \"/" + route.path.value + "\"");
  } else if (!is_printable(route.path.value)) {
    problems.error(route.path.mark, "a path has no blanks and no letters beyond ASCII",
                   "write it as browsers send it, e.g. /a%20b");
  }
}

// A zone with other routes, too, limits the requests of these alone.
bool has_route_with_requests(const Policy& policy, const std::string& zone) {
  return std::any_of(policy.routes.begin(), policy.routes.end(), [&](const Route& route) {
    const Listener* listener = find_listener(policy, route.listener.value);
    return route.zone.value == zone && (listener == nullptr || listener->protocol != Protocol::tcp);
  });
}

void check_requests(const Policy& policy, Problems& problems) {
  for (const auto& zone : policy.zones) {
    if (!limits_requests(zone.value) || zone.name == kFrontZone) continue;
    if (has_route_with_requests(policy, zone.name)) continue;
    problems.warning(zone.mark, "the zone \"" + zone.name + "\" will count no requests",
                     "they are counted of the clients of tls and http listeners, and no such route "
                     "leads there");
  }
}

void check_tls_names(const Route& route, const Listener& listener, Problems& problems) {
  if (listener.protocol != Protocol::tls) return;
  for (const auto& name : route.server_names) {
    if (parse_address(name.value)) {
      problems.error(name.mark, "a TLS server name is never an address",
                     "clients that use an address send no name: absent_server_name: true");
    }
  }
}

// The name under which a route without a name is remembered.
constexpr char kAbsent[] = "";

// Names that an earlier route of the same listener takes whatever else the client says.
class Taken {
 public:
  void check(const Route& route, const Located<std::string>& name, Problems& problems) {
    const auto key = std::tuple(route.listener.value, name.value, route.path.value);
    const auto found = taken_.find(key);
    if (found != taken_.end() && found->second != &route) {
      const std::string what =
          name.value == kAbsent ? "connections without a server name" : "\"" + name.value + "\"";
      problems.error(name.mark,
                     what + " never reaches route \"" + route.name.value + "\": route \"" +
                         found->second->name.value + "\" takes it first",
                     "see line " + std::to_string(found->second->mark.line));
    } else if (route.alpn.empty() && route.ja4.empty() && route.sources.empty()) {
      taken_.emplace(key, &route);
    }
  }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, const Route*> taken_;
};

void check_reachable(const Policy& policy, Problems& problems) {
  Taken taken;
  for (const Route& route : policy.routes) {
    const Listener* listener = find_listener(policy, route.listener.value);
    if (listener == nullptr) continue;
    std::set<std::string> own;
    for (const auto& name : route.server_names) {
      if (!own.insert(name.value).second) {
        problems.error(name.mark, "\"" + name.value + "\" is in this route twice");
      }
      taken.check(route, name, problems);
    }
    const bool port_route = listener->protocol == Protocol::tcp && route.server_names.empty();
    if (route.absent_server_name || port_route) {
      taken.check(route, {kAbsent, route.mark}, problems);
    }
  }
}

void check_route_names(const Policy& policy, Problems& problems) {
  std::map<std::string, Mark> seen;
  for (const Route& route : policy.routes) {
    if (route.name.value.empty()) continue;
    const auto [at, fresh] = seen.emplace(route.name.value, route.name.mark);
    if (!fresh) {
      problems.error(route.name.mark, "a second route named \"" + route.name.value + "\"",
                     "the first is in line " + std::to_string(at->second.line));
    }
  }
}

}  // namespace

void check_routes(const Policy& policy, Problems& problems) {
  check_route_names(policy, problems);
  for (const Route& route : policy.routes) {
    check_references(policy, route, problems);
    if (route.broken) continue;
    check_has_server(route, problems);
    const Listener* listener = find_listener(policy, route.listener.value);
    if (listener == nullptr || listener->broken) continue;
    check_conditions(route, *listener, problems);
    check_tls_names(route, *listener, problems);
    for (const auto& server : route.servers) check_family(policy, *listener, server, problems);
    if (!route.fallback.value.empty()) check_family(policy, *listener, route.fallback, problems);
  }
  check_requests(policy, problems);
  check_reachable(policy, problems);
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Which route a connection takes: by listener, server name (or Host), ALPN, path prefix and source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/core/types.h"

namespace dam {

struct SourcePrefix {
  dam_address address{};
  uint8_t prefix_bits = 0;  // in the 128-bit mapped form
};

// One line of the policy; `route` is the index in Policy::routes. Conditions that are empty hold.
struct RouteRule {
  uint16_t route = 0;
  uint16_t listener_group = 0;
  std::vector<std::string> server_names;  // exact, or "*.example.org" (any depth); lower case, no dot at the end
  bool absent_name = false;               // also takes connections that name no server
  std::vector<std::string> alpn;          // any of these in the client's list
  std::string path_prefix;                // plain HTTP only
  std::vector<SourcePrefix> sources;
};

// What a connection says of itself. Views point into the caller's buffer.
struct RouteQuery {
  uint16_t listener_group = 0;
  std::string_view server_name;           // empty: absent. Already lower case, no dot at the end
  std::string_view alpn_wire;             // RFC 7301 ProtocolNameList body: length-prefixed names
  std::string_view path;                  // plain HTTP only
  dam_address source{};
};

class Router {
 public:
  Router() = default;
  explicit Router(std::vector<RouteRule> rules);

  static constexpr int32_t kNoRoute = -1;      // a name was given; nobody serves it
  static constexpr int32_t kNoServerName = -2;  // none was given, and no route takes that

  // Exact names first, then wildcards from the longest, then (for an absent name only) absent_name
  // rules, and rules without server_names last if the listener's rules have none of these conditions
  // (port routes); within one name the longest path prefix, then the order of the policy.
  int32_t route(const RouteQuery& query) const;

 private:
  std::vector<RouteRule> rules_;
};

}  // namespace dam

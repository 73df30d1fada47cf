// SPDX-License-Identifier: BSD-3-Clause
// Which route a connection takes: by listener, server name (or Host), ALPN, fingerprint, path
// prefix and source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/ja4.h"
#include "dataplane/engine/prefix_set.h"

namespace dam {

// One line of the policy; `route` is the index in Policy::routes. Conditions that are empty hold.
struct RouteRule {
  uint16_t route = 0;
  uint16_t listener_group = 0;
  // Exact, or "*.example.org" (any depth); lower case, no dot at the end.
  std::vector<std::string> server_names{};
  bool absent_name = false;         // also takes connections that name no server
  std::vector<std::string> alpn{};  // any of these in the client's list
  std::vector<Ja4Pattern> ja4{};    // any of these; TLS only
  std::string path_prefix{};        // plain HTTP only
  std::vector<SourcePrefix> sources{};
};

// What a connection says of itself. Views point into the caller's buffer.
struct RouteQuery {
  uint16_t listener_group = 0;
  std::string_view server_name{};  // empty: absent. Already lower case, no dot at the end
  std::string_view alpn_wire{};    // RFC 7301 ProtocolNameList body: length-prefixed names
  Ja4 ja4{};                       // TLS only
  std::string_view path{};         // plain HTTP only
  dam_address source{};
};

// Immutable once built; lookups allocate nothing.
class Router {
 public:
  Router() = default;
  explicit Router(const std::vector<RouteRule>& rules);

  static constexpr int32_t kNoRoute = -1;       // no rule's conditions all hold
  static constexpr int32_t kNoServerName = -2;  // no name was given, and no rule here takes that

  // The route of the first rule of the listener group whose conditions all hold, in this order:
  //   a name was given:  1. rules with exactly this name
  //                      2. rules with a wildcard above it, the longest wildcard first;
  //                      "*.example.org"
  //                         takes a.example.org and a.b.example.org, not example.org
  //   none was given:    rules with absent_name; on a port route's listener, all its rules
  // Among the rules of one name the longer path prefix goes first (a plain string prefix, case
  // sensitive), then the order of the policy.
  //
  // Fail closed: a given name that no rule has is kNoRoute, whatever absent_name rules exist. A
  // rule with neither server_names nor absent_name counts only in a group where no rule has either
  // (a port route's listener, where no connection has a name); elsewhere it never holds. There is
  // no fall-through from given names to nameless rules, nor between listener groups.
  int32_t route(const RouteQuery& query) const;

 private:
  struct CompiledRule {
    uint16_t route = 0;
    int32_t source_set = -1;  // index in source_sets_; none: any source
    std::string path_prefix;
    std::vector<std::string> alpn;
    std::vector<Ja4Pattern> ja4;
  };
  // A name of a group, and the rules that have it, in the order in which they are tried. A wildcard
  // is kept without its "*" (".example.org"), nameless rules under the empty name: no name looks
  // so.
  struct Slot {
    uint64_t hash = 0;
    uint32_t name_first = 0;  // in names_
    uint16_t name_bytes = 0;
    uint16_t group = 0;
    uint32_t rule_first = 0;  // in order_
    uint32_t rule_count = 0;  // 0: a free slot
  };

  void compile(const std::vector<RouteRule>& rules);
  void build_slots(const std::vector<RouteRule>& rules);
  void insert(uint16_t group, std::string_view name, std::vector<uint32_t> rules);
  const Slot* find(uint64_t hash, uint16_t group, std::string_view name) const;
  int32_t route_named(const RouteQuery& query) const;
  int32_t first_that_holds(const Slot& slot, const RouteQuery& query) const;
  bool holds(const CompiledRule& rule, const RouteQuery& query) const;

  std::vector<CompiledRule> rules_;
  std::vector<PrefixSet> source_sets_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  std::vector<uint32_t> order_;
  std::string names_;
  std::vector<uint64_t> wildcard_depths_;  // by group; bit n: a wildcard with n dots (63: or more)
};

}  // namespace dam

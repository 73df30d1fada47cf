// SPDX-License-Identifier: BSD-3-Clause
// A ban as the control plane keeps it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>

#include "controlplane/policy/address.h"

namespace dam::control {

// Of whatever is banned.
struct BanTerms {
  int64_t made_unix = 0;   // s, like all times here
  int64_t until_unix = 0;  // kForEver: without an end
  int64_t times = 1;       // how often it was banned, each within bans.repeat_within of the last
  std::string reason;
  std::string origin;  // "operator", "import", "zone heavy", "signal probing"
  std::string author;  // who asked for it; "dam": nobody

  static constexpr int64_t kForEver = INT64_MAX;
  bool holds(int64_t now_unix) const { return until_unix > now_unix; }
};

struct KeptBan : BanTerms {
  Network source;        // bits behind the prefix clear
  bool of_zone = false;  // the zone that its origin names holds it: it is no ban of the whole dam
  bool in_services = false;  // every service zone holds it; the way to management stays open

  bool everywhere() const { return !of_zone && !in_services; }
};

// Of a kind of clients, in every service zone.
struct FingerprintBan : BanTerms {
  std::string ja4;  // a pattern, dataplane/ipc/ja4_pattern.h
};

// By address, then by length: a network stands right before what it contains.
struct NetworkOrder {
  bool operator()(const Network& a, const Network& b) const {
    return std::tie(a.address.v6, a.address.bytes, a.prefix_bits) <
           std::tie(b.address.v6, b.address.bytes, b.prefix_bits);
  }
};

}  // namespace dam::control

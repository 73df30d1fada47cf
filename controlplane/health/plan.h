// SPDX-License-Identifier: BSD-3-Clause
// What is to be looked at, server by server: the policy's `check`, with what its routes say.
#pragma once

#include <string>
#include <vector>

#include "controlplane/policy/model.h"

namespace dam::control {

// A name that clients of the same listener use for another server.
struct OtherName {
  std::string name;    // exact, or "*.example.org"
  std::string route;   // whose it is
  std::string server;  // where that one leads
};

struct CheckPlan {
  std::string server;
  std::vector<Address> addresses;
  uint16_t port = 0;
  Proxy proxy = Proxy::v2;
  CheckKind kind = CheckKind::tcp;  // never automatic
  Check check;
  std::string name;                    // of the handshake and the Host; empty: none
  std::vector<std::string> own_names;  // of its TLS routes, exact; `name` first
  std::vector<OtherName> other_names;
  bool management = false;  // a management zone's route leads to it

  // A handshake with this name (empty: with none) is one that its checks make.
  bool shows(const std::string& of) const;
  bool over_tls() const { return kind == CheckKind::tls || kind == CheckKind::https; }
  bool over_http() const { return kind == CheckKind::http || kind == CheckKind::https; }
};

// Of the servers that have a `check`.
std::vector<CheckPlan> plan_checks(const Policy& policy);

}  // namespace dam::control

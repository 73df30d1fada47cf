// SPDX-License-Identifier: BSD-3-Clause
// A look at the servers that a policy names, by the control plane's own checks. What is found is
// told; it stands in nobody's way.
#pragma once

#include <string>
#include <vector>

#include "controlplane/policy/model.h"

namespace dam::ctl {

struct ServerLook {
  std::string server;
  bool well = false;
  std::string words;               // "handshake with TLSv1.3"
  std::vector<std::string> hints;  // what is wrong, and what to do
};
std::vector<ServerLook> look_at_servers(const control::Policy& policy);

// The PROXY header with which a TLS server there answers a handshake; empty: with none of them.
std::string proxy_that_works(const std::string& address, uint16_t port);

}  // namespace dam::ctl

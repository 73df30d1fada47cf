// SPDX-License-Identifier: BSD-3-Clause
// What setup proposes, and why: what dam.yaml says now, else what this host looks like.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/driver_choice.h"
#include "tools/damctl/doctor/network.h"
#include "tools/damctl/setup/questions.h"

namespace dam::ctl {

// All that setup knows of the world around it.
struct Host {
  HostNetwork network;
  // What `driver: auto` would make of these devices.
  std::function<DriverChoice(const std::vector<std::string>& devices)> choose;
  // The PROXY header with which a TLS server answers: "v2", "v1" or "none"; empty: it does not.
  std::function<std::string(const std::string& address, uint16_t port)> proxy_of;
};

struct Proposal {
  Strings value;
  std::string why;       // a sentence without its dot; empty: the usual
  bool unusual = false;  // enough to ask about it
};

// `present`: of dam.yaml; `answers`: the questions before this one. Nothing where only people know.
std::optional<Proposal> propose(const Question& question, const Host& host, const Answers& present,
                                const Answers& answers);

// Somebody named the host's device on a VLAN, enp1s0.10: the card and the VLAN are meant, for the
// dam is below the host's VLANs. Says so; empty: nothing of that kind.
std::string settle_vlan(const std::string& key, const Host& host, Answers& answers, Answers& given);

// The cards and what the host does with them, one a line.
std::vector<std::string> lines_about(const HostNetwork& network);

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// The tables by which the maps within dam.yaml's are read; options.h has those that others ask for.
#pragma once

#include "controlplane/policy/kinds.h"
#include "controlplane/policy/options.h"

namespace dam::control {

inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kDay = 86'400 * kSecond;

// options_of_host.cc
const Table<Interface>& interface_options();
const Table<Xdp>& xdp_options();
const Table<Dpdk>& dpdk_options();
const Table<Limits>& limit_options();
const Table<Timeouts>& timeout_options();

// options_of_servers.cc
const Table<Server>& server_options();

// options_of_signals.cc
const Table<SignalPolicy>& signal_options();
const Table<LookalikePolicy>& lookalike_options();

// options_of_logs.cc
const Table<LogRules>& log_options();

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What the host would lose with an interface.
#pragma once

#include <string>

namespace dam {

// A sentence without its dot; empty: nothing, as far as can be seen and read. Somebody is connected
// to a server of this host (his SSH session), the host reaches the world by it, has an address or a
// route there, or is to have one: while the machine starts, none of the former may be there yet.
// `root`: where the host's configuration is; another folder in tests alone.
std::string what_host_loses(const std::string& interface, const std::string& root = "/");

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// The names of an interface: its own, and the alternative ones that udev or somebody gave it
// besides (ip link property), by which the host's files may speak of it, too.
#pragma once

#include <libmnl/libmnl.h>

#include <string>
#include <vector>

namespace dam {

// Out of the kernel's message about a link, its own first; empty: it is about none.
std::vector<std::string> read_interface_names(const nlmsghdr* message);

// Its own first, which stands there whether the interface does or not.
std::vector<std::string> names_of_interface(const std::string& interface);

}  // namespace dam

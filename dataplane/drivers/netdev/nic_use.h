// SPDX-License-Identifier: BSD-3-Clause
// Who would be cut off when the kernel loses an interface.
#pragma once

#include <string>

namespace dam {

// A sentence without its dot; empty: nobody, as far as can be seen. Somebody is connected to a
// server of this host (his SSH session), or the host reaches the world by it.
std::string who_is_cut_off(const std::string& interface);

}  // namespace dam

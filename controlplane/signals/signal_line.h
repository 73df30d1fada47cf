// SPDX-License-Identifier: BSD-3-Clause
// A line of an access log in a syslog datagram (RFC 3164), as nginx sends it:
//   <190>Nov 30 00:24:44 web nginx: dam client=198.51.100.7 status=404 class=login path=/x?y
// client is needed, path comes last and may hold blanks, "-" is none. Written by whoever sends
// datagrams: every byte may be anything.
#pragma once

#include <optional>
#include <string_view>

#include "controlplane/signals/signal.h"

namespace dam::control {

inline constexpr size_t kMostDatagramBytes = 8192;  // a longer one is no line

// Nothing: it is no such line.
std::optional<Signal> read_signal_line(std::string_view datagram);

}  // namespace dam::control

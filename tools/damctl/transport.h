// SPDX-License-Identifier: BSD-3-Clause
// The way to the control plane: its Unix socket, or HTTPS by a profile.
#pragma once

#include <httplib.h>

#include <functional>

#include "tools/damctl/commands.h"

namespace dam::ctl {

// Nothing after it has said on stderr what stands in the way, and what to look at.
using Send = std::function<httplib::Result(httplib::ClientImpl&)>;
httplib::Result converse(const Settings& settings, const Send& send);

}  // namespace dam::ctl

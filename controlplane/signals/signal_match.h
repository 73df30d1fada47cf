// SPDX-License-Identifier: BSD-3-Clause
// A signal and a rule of the policy: does it fit, whom does it count for, and what is said of it.
#pragma once

#include <string>

#include "controlplane/policy/model.h"
#include "controlplane/signals/signal.h"

namespace dam::control {

bool fits(const SignalRule& rule, const Signal& signal);
Network source_of(const Address& client, const SourcePrefix& prefix);
// For people. The path is a stranger's: what is no plain character is "?".
std::string reason_of(const Signal& signal);

}  // namespace dam::control

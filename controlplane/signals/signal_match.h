// SPDX-License-Identifier: BSD-3-Clause
// A signal and a rule of the policy: does it fit, and what is said of it.
#pragma once

#include <string>

#include "controlplane/policy/model.h"
#include "controlplane/signals/signal.h"

namespace dam::control {

bool fits(const SignalRule& rule, const Signal& signal);
// For people. The path is a stranger's: what is no plain character is "?".
std::string reason_of(const Signal& signal);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Whether a policy would send browsers the wrong way: over HTTP/2 they use a connection again for
// every name that its certificate covers (RFC 9113 9.1.1), whatever the server name routes.
#pragma once

#include <vector>

#include "controlplane/health/round.h"

namespace dam::control {

// What speaks against the plans of a policy, by the certificates that were seen last: errors, one
// for each server and name of its own. Servers whose check says `coalescing: allow` or that nobody
// has seen speak HTTP/2 are none of them.
std::vector<Problem> coalescing_problems(const std::vector<CheckPlan>& plans,
                                         const std::vector<CertificateSeen>& seen,
                                         int64_t now_unix);

}  // namespace dam::control

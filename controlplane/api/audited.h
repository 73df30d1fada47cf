// SPDX-License-Identifier: BSD-3-Clause
// Endpoints whose changes are in the audit log before they are made, and with how they ended before
// the answer goes out.
#pragma once

#include "controlplane/api/endpoint.h"
#include "controlplane/trust/audit_store.h"

namespace dam::control {

// All but GET. A log that cannot be written refuses the change: 507. `audit` must outlive them.
Endpoints audited(Endpoints endpoints, AuditStore& audit);

}  // namespace dam::control

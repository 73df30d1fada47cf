// SPDX-License-Identifier: BSD-3-Clause
// Who may steer and who did, in one file.
#pragma once

#include "controlplane/trust/access_store.h"
#include "controlplane/trust/audit_store.h"
#include "controlplane/trust/sessions.h"
#include "controlplane/trust/state_file.h"

namespace dam::control {

struct Trust {
  explicit Trust(const std::filesystem::path& path) : file(path), access(file), audit(file) {}

  StateFile file;
  AccessStore access;
  AuditStore audit;
  Sessions sessions;
};

}  // namespace dam::control

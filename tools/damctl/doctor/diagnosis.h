// SPDX-License-Identifier: BSD-3-Clause
// All findings about this machine and the interfaces of a policy.
#pragma once

#include <vector>

#include "controlplane/policy/model.h"
#include "tools/damctl/doctor/findings.h"

namespace dam::ctl {

Wishes wishes_of(const control::Policy& policy);

struct Diagnosis {
  Facts facts;
  std::vector<Finding> machine;
  std::vector<std::vector<Finding>> devices;  // as in facts.devices

  long count(Level level) const;
};

Diagnosis diagnose(Facts facts);
const char* word(Level level);  // "problem"

}  // namespace dam::ctl

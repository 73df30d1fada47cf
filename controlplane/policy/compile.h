// SPDX-License-Identifier: BSD-3-Clause
// From a policy to the messages that the dataplane understands.
#pragma once

#include "controlplane/policy/model.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

v1::Start compile_start(const Policy& policy);
v1::Snapshot compile_snapshot(const Policy& policy, uint64_t version);

}  // namespace dam::control

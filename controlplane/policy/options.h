// SPDX-License-Identifier: BSD-3-Clause
// Every key of dam.yaml: one table per map.
#pragma once

#include "controlplane/policy/reader.h"

namespace dam::control {

const Table<Policy>& policy_options();
const Table<Zone>& zone_options();
const Table<Buckets>& bucket_options();
const Table<SourcePrefix>& source_prefix_options();

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// The slots of a policy, which living flows name, in a record that outlives the process: the next
// one's slots must agree with them.
#pragma once

#include <memory>

#include "dataplane/core/view.h"
#include "dataplane/engine/policy.h"

namespace dam {

// Begins the view anew with zones, servers and listeners by slot, retired ones too, and the range
// of source ports. Its hash tables, interfaces and lists stay empty.
void record_slots(dam_view& view, const Policy& policy);

// The slots of the policy that a view was made of, by name and address, and no more of it.
std::shared_ptr<const Policy> slots_of(const dam_view& view);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Snapshot message -> Policy. The socket is not trusted: everything is checked again, and a
// snapshot with any error changes nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"
#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

// Listeners that are no longer in the policy have no routes: their half-open connections end.
inline constexpr uint16_t kRetiredGroup = 0xffff;

struct PolicyResult {
  std::shared_ptr<Policy> policy;   // nobody else has it yet; null when there are errors
  std::vector<std::string> errors;  // sentences
};

// `tables` holds the sizes that were fixed at start. Entries of `previous` (may be null) keep their
// slots; those that are gone stay, marked as retired, until their slot is needed.
PolicyResult build_policy(const v1::Snapshot& snapshot, const Limits& tables,
                          const Policy* previous);

}  // namespace dam

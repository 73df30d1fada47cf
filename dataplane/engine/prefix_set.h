// SPDX-License-Identifier: BSD-3-Clause
// A set of address prefixes that a packet's source is looked up in: at least a million CIDRs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/router.h"

namespace dam {

class PrefixSet {
 public:
  PrefixSet() = default;
  explicit PrefixSet(std::span<const SourcePrefix> prefixes);
  bool contains(const dam_address& address) const;
  void prefetch(const dam_address& address) const;
  bool empty() const;
};

}  // namespace dam

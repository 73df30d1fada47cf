// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dam {

// Of a policy's zone, server or listener, by its slot; empty: there is none.
template <class Named>
const std::string& name_of(const std::vector<Named>& all, size_t slot) {
  static const std::string kNobody;
  return slot < all.size() ? all[slot].name : kNobody;
}

}  // namespace dam

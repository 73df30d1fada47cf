// SPDX-License-Identifier: BSD-3-Clause
// Is there something at the other end of the cable?
#pragma once

#include <cstdint>
#include <string>

namespace dam {

struct LinkState {
  bool up = false;
  uint32_t mbit_s = 0;  // 0: not known
  bool operator==(const LinkState&) const = default;
};

// Of an interface of the kernel's; one that is gone has none.
LinkState link_of(const std::string& interface);

}  // namespace dam

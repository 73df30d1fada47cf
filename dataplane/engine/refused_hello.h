// SPDX-License-Identifier: BSD-3-Clause
// Whose hello it was that was refused: the fingerprint, which a sight has no room for.
#pragma once

#include "dataplane/core/types.h"
#include "dataplane/engine/ja4.h"

namespace dam {

struct RefusedHello {
  dam_address client{};
  Ja4 ja4{};
  uint8_t reason = 0;  // enum dam_drop_reason
  uint8_t zone = 0;    // slot
};

}  // namespace dam

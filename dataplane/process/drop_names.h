// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dataplane/core/drop_reason.h"

namespace dam {

// By enum dam_drop_reason.
inline constexpr const char* kDropNames[DAM_DROP_COUNT] = {
#define X(name, text) #name,
    DAM_DROP_REASONS(X)
#undef X
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Tables that a dataplane has left pinned: whose version are they?
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/drivers/xdp/pins.h"
#include "dataplane/drivers/xdp/shared_array.h"

namespace dam {

// A pinned table, mapped; none where there is no such pin.
SharedArray open_table(const Pins& pins, const std::string& name, uint32_t& value_bytes);

// Of the table dam_control. 0: no dam's.
uint32_t version_of(const SharedArray& control);

// Its records are as this build has them. `bytes`: of a value.
bool is_same_layout(const SharedArray& control, uint32_t bytes);

}  // namespace dam

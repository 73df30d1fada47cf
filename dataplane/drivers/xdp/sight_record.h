// SPDX-License-Identifier: BSD-3-Clause
// A record of the ring by which the kernel tells of packets: a dam_sight, then octets of its frame.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "dataplane/core/sight.h"

namespace dam {

// False: it is none. Whoever hears of it looks its reason up in a list.
inline bool read_sight_record(std::span<const uint8_t> record, dam_sight& sight,
                              std::span<const uint8_t>& frame) {
  if (record.size() < sizeof sight) return false;
  std::memcpy(&sight, record.data(), sizeof sight);
  if (sight.reason >= DAM_DROP_COUNT) return false;
  frame = record.subspan(sizeof sight);
  frame = frame.first(std::min<size_t>(sight.captured_bytes, frame.size()));
  return true;
}

}  // namespace dam

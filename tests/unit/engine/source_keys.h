// SPDX-License-Identifier: BSD-3-Clause
// Sources by number, for tests of the source table.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/engine/source_table.h"

namespace dam {

inline constexpr std::array<uint64_t, 2> kSecret = {1, 2};
inline constexpr uint32_t kNoSource = SourceTable::kNone;

inline SourceKey key_of(const SourceTable& table, uint32_t number, uint8_t zone = 1) {
  return table.key(dam_address_v4(__builtin_bswap32(0xc6120000 + number)), zone, 32, 64);
}

}  // namespace dam

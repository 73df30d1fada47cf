// SPDX-License-Identifier: BSD-3-Clause
// What was lately refused to an address (of IPv6: its /64), by reason and zone. Bounded: proven
// sources and those that may be forged have a table each, so that no flood of forged addresses
// drives a true one out.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/core/sight.h"
#include "dataplane/engine/refused_hello.h"
#include "dataplane/process/heavy_hitters.h"

namespace dam {

class RecentDrops {
 public:
  static constexpr uint64_t kKeptNs = 600'000'000'000;  // since the last one of its kind

  struct Drop {
    uint64_t count = 0;  // about, where there were many: see DAM_SIGHT_REFUSALS
    uint64_t last_ns = 0;
    uint8_t reason = 0;  // enum dam_drop_reason
    uint8_t zone = 0;    // slot
    bool proven = false;
    Ja4 ja4{};  // of the last one whose hello was read
  };

  explicit RecentDrops(const AddressHash& hash);

  void take(const dam_sight& sight);
  // Whose hello the drop was; false: of that none is known.
  bool name(const RefusedHello& refused);
  // The latest first.
  std::vector<Drop> of(const dam_address& address, uint64_t now_ns) const;

 private:
  static constexpr size_t kSets = 1024;
  static constexpr size_t kWays = 8;  // of a set: who was refused longest ago gives way
  static constexpr size_t kKinds = 6;

  struct Entry {
    dam_address address{};
    uint64_t last_ns = 0;  // 0: free
    std::array<Drop, kKinds> drops{};
  };
  using Table = std::vector<std::array<Entry, kWays>>;

  AddressHash hash_;
  std::array<Table, 2> tables_;  // [is proven]
};

}  // namespace dam

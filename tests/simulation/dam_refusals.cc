// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/dam.h"

namespace dam::simulation {

const char* reason_name(dam_drop_reason reason) {
  static constexpr const char* kNames[] = {
#define X(name, text) #name,
      DAM_DROP_REASONS(X)
#undef X
  };
  return kNames[reason];
}

// For the reader of a trace: why something went nowhere, when it did.
bool Dam::tell_refusals() {
  bool any = false;
  if (!environment_.trace.prints()) return any;
  for (int i = 0; i < DAM_DROP_COUNT; ++i) {
    const auto reason = static_cast<dam_drop_reason>(i);
    const uint64_t count = drops(reason);
    const bool usual = reason == DAM_DROP_consumed;
    if (count != told_[reason] && !usual) {
      environment_.trace.say(environment_.now_ns(),
                             std::string("dam refused ") + reason_name(reason));
      any = true;
    }
    told_[reason] = count;
  }
  return any;
}

uint64_t Dam::drops(dam_drop_reason reason) const {
  uint64_t sum = dropped_before_[reason];
  for (uint32_t i = 0; i < workers(); ++i) {
    for (const dam_zone_counters& zone : counters_->worker[i].zones) sum += zone.drops[reason];
  }
  return sum;
}

uint64_t Dam::front_drops(dam_drop_reason reason) const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < workers(); ++i) {
    sum += counters_->worker[i].zones[kFrontZone].drops[reason];
  }
  return sum;
}

}  // namespace dam::simulation

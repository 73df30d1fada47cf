// SPDX-License-Identifier: BSD-3-Clause
// What is told of a connection's requests.
#pragma once

#include "dataplane/engine/flow_id.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

inline void write_rhythm(const RequestRhythm& from, v1::Requests& to) {
  to.set_count(from.count);
  to.set_gap_ms(from.gap_ms);
  to.set_gap_deviation_ms(from.gap_deviation_ms);
  to.set_first_bytes(from.first_bytes);
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane estimates of a connection's requests.
#pragma once

#include <cstdint>

#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

struct FlowRhythm {
  uint64_t requests = 0;
  double gap_ms = 0;            // smoothed, as RFC 6298 does round trips; 0: not known
  double gap_deviation_ms = 0;  // mean deviation
  double bytes = 0;             // of the first request's head; 0: not known
};

// Of the dataplane's Flow or EndedConnection: all zero where its zone counts none.
template <class Message>
FlowRhythm rhythm_of(const Message& message) {
  if (!message.has_requests()) return {};
  const v1::Requests& from = message.requests();
  return {from.count(), static_cast<double>(from.gap_ms()),
          static_cast<double>(from.gap_deviation_ms()), static_cast<double>(from.first_bytes())};
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane estimates of a connection's requests.
#pragma once

#include <cstdint>

namespace dam::control {

struct FlowRhythm {
  uint64_t requests = 0;
  double gap_ms = 0;            // smoothed, as RFC 6298 does round trips; 0: not known
  double gap_deviation_ms = 0;  // mean deviation
  double bytes = 0;             // of the first one's head; 0: not known
};

// Of the dataplane's Flow or EndedConnection: all zero where its messages do not tell of requests.
template <class Message>
FlowRhythm rhythm_of(const Message& message) {
  if constexpr (requires { message.requests().gap_deviation_ms(); }) {
    const auto& told = message.requests();
    return {told.count(), static_cast<double>(told.gap_ms()),
            static_cast<double>(told.gap_deviation_ms()), static_cast<double>(told.first_bytes())};
  } else {
    return {};
  }
}

}  // namespace dam::control

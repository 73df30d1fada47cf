// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane estimates of a connection's requests.
#pragma once

#include <cstdint>

namespace dam::control {

struct FlowRhythm {
  uint64_t requests = 0;
  double gap_ms = 0;            // smoothed, as RFC 6298 does round trips; 0: not known
  double gap_deviation_ms = 0;  // mean deviation
  double bytes = 0;             // of a request's record, mean; 0: not known
};

// Of the dataplane's Flow or EndedConnection: all zero where its messages have no such fields.
template <class Message>
FlowRhythm rhythm_of(const Message& message) {
  if constexpr (requires {
                  message.requests();
                  message.request_gap_ms();
                  message.request_gap_deviation_ms();
                  message.request_bytes();
                }) {
    return {message.requests(), static_cast<double>(message.request_gap_ms()),
            static_cast<double>(message.request_gap_deviation_ms()),
            static_cast<double>(message.request_bytes())};
  } else {
    return {};
  }
}

}  // namespace dam::control

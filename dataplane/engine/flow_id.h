// SPDX-License-Identifier: BSD-3-Clause
// A connection's name outside of the worker that has it, and a look at one.
#pragma once

#include <cstdint>

#include "dataplane/engine/flow.h"
#include "dataplane/engine/ja4.h"

namespace dam {

// As one number it is the second half of the UNIQUE_ID of the connection's PROXY header.
struct FlowId {
  uint32_t worker = 0;  // below DAM_MAX_WORKERS
  uint32_t index = 0;   // in its table, 32 bits
  uint32_t epoch = 0;   // the entry's life, its lowest 24 bits

  static constexpr uint32_t kEpochMask = 0xffffff;
  uint64_t number() const {
    return uint64_t{worker} << 56 | uint64_t{index} << 24 | (epoch & kEpochMask);
  }
  static FlowId of(uint64_t number) {
    return {static_cast<uint32_t>(number >> 56), static_cast<uint32_t>(number >> 24),
            static_cast<uint32_t>(number & kEpochMask)};
  }
};

// Of one connection, as core/requests.h finds them.
struct RequestRhythm {
  bool followed = false;  // else they are not counted here
  uint32_t count = 0;
  uint32_t gap_ms = 0;  // smoothed, between one and the next
  uint32_t gap_deviation_ms = 0;
  uint16_t first_bytes = 0;  // of the first one's head
};

// What another thread may see of a flow without asking its worker. Each field is whole; that all of
// them are of one moment is true of what stays the same for a flow's life.
struct FlowGlance {
  FlowId id;
  dam_address client{};
  dam_be16 client_port{};
  uint16_t source_port = 0;  // towards the server; 0: none yet
  uint16_t listener_slot = 0;
  uint16_t server_slot = 0;  // from DAM_FLOW_connect on
  uint8_t zone_slot = 0;
  dam_flow_state state = DAM_FLOW_free;
  uint8_t flags = 0;       // enum dam_flow_flags
  uint32_t last_seen = 0;  // as in dam_flow
  Ja4 ja4{};               // from DAM_FLOW_connect on
  RequestRhythm requests{};
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What is told of a connection once it is over: who, where to, how long, how much, and why it
// ended.
#pragma once

#include <cstdint>

#include "dataplane/core/connection_end.h"
#include "dataplane/core/drop_reason.h"
#include "dataplane/core/types.h"
#include "dataplane/engine/flow_id.h"
#include "dataplane/engine/ja4.h"

namespace dam {

struct ConnectionRecord {
  uint64_t ended_ns = 0;  // monotonic
  dam_address client{};
  uint64_t lasted_ns = 0;  // to about a millisecond
  // Of the streams, without headers, as far as sequence numbers tell: the remainder by 4 GiB.
  uint32_t bytes_up = 0;
  uint32_t bytes_down = 0;
  dam_be16 client_port{};
  uint16_t listener_slot = 0;
  uint16_t server_slot = 0;
  bool has_server = false;  // else none was asked
  uint8_t zone_slot = 0;
  dam_connection_end end = DAM_END_closed;
  dam_drop_reason reason = DAM_DROP_none;  // with `refused`
  uint32_t stands_for = 1;                 // so many connections: the policy's sampling
  Ja4 ja4{};
  RequestRhythm requests{};
};
static_assert(sizeof(ConnectionRecord) == 104);

}  // namespace dam

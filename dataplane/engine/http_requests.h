// SPDX-License-Identifier: BSD-3-Clause
// The requests of a plain HTTP/1.x client (RFC 9112), exactly: its octets are read as they pass, in
// order, and none is held. All are hostile; what they mean, the server decides. Who writes heads
// that it takes otherwise than this (RFC 9112 11.2), or sends octets that it discards (an old
// TSval, RFC 7323 5.3), has a later request counted by what was read instead: as less, or by
// another path. Nobody else's count changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/requests.h"
#include "dataplane/engine/http_route_text.h"

namespace dam {

enum class HttpState : uint8_t {
  start,      // between messages: empty lines may come (RFC 9112 2.2)
  line,       // the request line
  field,      // a field line begins, or the empty line
  name,       // within a name that may be one of those that matter
  skip,       // the rest of a line that does not
  length,     // the value of Content-Length
  coding,     // of Transfer-Encoding
  body,       // `left` octets of it
  size,       // a chunk's size
  extension,  // what may follow that
  chunk,      // `left` octets of it
  chunk_end,
  trailer,       // a trailer line begins, or the empty line
  trailer_line,  // the rest of one
  upgrading,     // the server may have switched protocols, which its next words tell
  tunnel,        // no HTTP/1.x any more, or nobody knows
  host           // the value of Host: numbers outlive a process, new ones come last
};

// It takes the place of a TLS client's record, beside the flow.
struct HttpRequests {
  dam_seq next;  // the number of the octet that comes next
  HttpState state;
  uint8_t matched;   // so many octets of a name or of "chunked"; of switches, while upgrading
  uint8_t switches;  // of protocols, that the server has said: the other direction's
  uint8_t reserved;
  uint32_t last;
  uint32_t count;
  uint16_t left_high;  // of 48 bits
  uint16_t first_bytes;
  uint16_t left_middle;
  uint16_t gap_8;
  uint16_t gap_deviation_4;
  uint8_t flags;
  uint8_t name;     // which one is being read
  uint8_t message;  // what its head says, so far
  uint8_t epoch;
  uint8_t left_low[2];

  uint64_t left() const;
  void set_left(uint64_t octets);
};
static_assert(sizeof(HttpRequests) == sizeof(dam_requests));

// It may lie in memory that anybody has written: what is in no order is a tunnel.
HttpRequests http_requests_of(const dam_requests& record);
dam_requests record_of(const HttpRequests& requests);

// A connection whose first octet has the number `next`.
HttpRequests begin_http_requests(dam_seq next, uint32_t epoch);

// False: not all of the `octets` from `next` on are the body of one message, and nothing is
// changed.
bool pass_http_body(HttpRequests& requests, uint32_t octets);

// Is the head of a request under way?
bool is_in_head(const HttpRequests& requests);

// A request's head is whole with the last of the octets that were read; or there are no more.
struct HttpProgress {
  size_t octets;
  bool request;
};

// The octets from `next` on, up to the end of the next head. `text` has what was read of the one
// under way, and gets the rest.
HttpProgress read_http_request(HttpRequests& requests, HttpRouteText& text,
                               std::span<const uint8_t> octets);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// The conversation of the side-by-side comparison: TLS 1.3 by its sizes and turns, without its
// arithmetic, which no front takes part in. Client: a real ClientHello. Server: a flight of
// kFlight bytes. Client: kFinished bytes and a request. Server: as many bytes as that asks for;
// then both close, or the client asks again.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace dam::bench::talk {

inline constexpr uint32_t kHello = 517, kFlight = 2400, kFinished = 80, kRequest = 220;

struct Request {
  uint64_t bytes = 0;
  bool close = true;
};

using RequestBytes = std::array<uint8_t, kRequest>;

inline RequestBytes write_request(Request request) {
  RequestBytes out{};
  out[0] = request.close ? 1 : 0;
  std::memcpy(out.data() + 1, &request.bytes, sizeof request.bytes);
  return out;
}

inline Request read_request(const uint8_t* in) {
  Request request{.close = in[0] != 0};
  std::memcpy(&request.bytes, in + 1, sizeof request.bytes);
  return request;
}

}  // namespace dam::bench::talk

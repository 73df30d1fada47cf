// SPDX-License-Identifier: BSD-3-Clause
// What the parsers of a client's first bytes answer: client_hello.h and http_head.h.
#pragma once

#include <cstdint>

namespace dam {

enum class HelloStatus : uint8_t {
  complete,
  incomplete,  // well formed so far; more bytes are needed
  malformed,   // no continuation can make it readable: fail closed
  too_long,    // it is, or is bound to become, longer than max_bytes
};

// The scratch that a parser is given: room for a name and for one copy of the client's bytes.
inline constexpr uint32_t kNameBytes = 256;
constexpr uint32_t hello_scratch_bytes(uint32_t max_bytes) { return kNameBytes + max_bytes; }

}  // namespace dam

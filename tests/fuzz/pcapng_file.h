// SPDX-License-Identifier: BSD-3-Clause
// A reader of pcapng (draft-ietf-opsawg-pcapng) that is not the project's own, to hold its writer
// against: every block whole, said twice how long, in the order that the draft asks for.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "tests/fuzz/check.h"

namespace dam::fuzz {

inline uint32_t little32(std::string_view octets, size_t at) {
  uint32_t number = 0;
  std::memcpy(&number, octets.data() + at, sizeof number);
  return number;
}
inline uint32_t little16(std::string_view octets, size_t at) {
  return static_cast<uint8_t>(octets[at]) |
         static_cast<uint32_t>(static_cast<uint8_t>(octets[at + 1])) << 8;
}

inline void check_options(std::string_view options) {
  for (size_t at = 0;;) {
    check(at + 4 <= options.size(), "options have an end");
    const uint32_t code = little16(options, at), bytes = little16(options, at + 2);
    at += 4 + (bytes + 3) / 4 * 4;
    check(at <= options.size(), "an option lies in its block");
    if (code == 0) return check(bytes == 0 && at == options.size(), "nothing behind the end");
  }
}

struct PcapngSeen {
  size_t blocks = 0, interfaces = 0, packets = 0;
};

// Adds the blocks of one piece; a block never spans two.
inline void check_pcapng(std::string_view piece, PcapngSeen& seen) {
  while (!piece.empty()) {
    check(piece.size() >= 12, "a block has its lengths");
    const uint32_t type = little32(piece, 0), bytes = little32(piece, 4);
    check(bytes >= 12 && bytes % 4 == 0 && bytes <= piece.size(), "a block is whole");
    check(little32(piece, bytes - 4) == bytes, "both its ends say how long it is");
    const std::string_view body = piece.substr(8, bytes - 12);
    check((type == 0x0a0d0d0a) == (seen.blocks == 0), "a section's header is the first block");
    if (type == 0x0a0d0d0a) {
      check(body.size() >= 16 && little32(body, 0) == 0x1a2b3c4d, "the order of octets is said");
      check_options(body.substr(16));
    } else if (type == 1) {
      check(body.size() >= 8, "an interface is described");
      check_options(body.substr(8));
      ++seen.interfaces;
    } else {
      check(type == 6 && body.size() >= 20, "all else are packets");
      check(little32(body, 0) < seen.interfaces, "of interfaces that were described");
      const size_t captured = (size_t{little32(body, 12)} + 3) / 4 * 4;
      check(captured <= body.size() - 20, "their octets are there");
      check_options(body.substr(20 + captured));
      ++seen.packets;
    }
    ++seen.blocks;
    piece.remove_prefix(bytes);
  }
}

}  // namespace dam::fuzz

// SPDX-License-Identifier: BSD-3-Clause
// A set of address prefixes that a packet's source is looked up in: at least a million CIDRs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/types.h"

namespace dam {

struct SourcePrefix {
  dam_address address{};
  uint8_t prefix_bits = 0;  // in the 128-bit mapped form: IPv4 /24 is 120. Above 128 counts as 128
};

// Immutable once built. Bits of an address behind its prefix are ignored; /0 holds every address,
// IPv4 ones, too. Nested and overlapping prefixes are merged when the set is built.
//
// Sets of more than kTreeRanges separate IPv4 ranges: two bits for each /24 ("all of it", "some of
// it") in 8 MiB, and 32 bytes for each /24 of which only some addresses are in: at most two cache
// misses. Everything else: a B+ tree of the points where membership changes, nodes of 8 in two
// cache lines; with a million IPv6 prefixes 7 levels, of which the upper 4 stay cached. Memory: 8
// MiB + 32 bytes a partial /24 (so at most 40 MiB for a million IPv4 CIDRs), 37 bytes an IPv6
// prefix.
class PrefixSet {
 public:
  static constexpr uint32_t kTreeRanges = 32;

  PrefixSet() = default;
  explicit PrefixSet(std::span<const SourcePrefix> prefixes);

  bool contains(const dam_address& address) const;
  // Fetches the first cache line that contains() will touch and that may not be cached.
  void prefetch(const dam_address& address) const {
    if (!blocks_.empty() && dam_address_is_v4(&address)) {
      __builtin_prefetch(&blocks_[__builtin_bswap32(address.word[3]) >> 14]);
    }
  }
  bool empty() const { return empty_; }
  uint64_t memory_bytes() const;

 private:
  using Key = unsigned __int128;
  // 64 neighbouring /24s; `details` of those in `some` follow one another from first_detail on.
  struct alignas(32) Block {
    uint64_t all;
    uint64_t some;
    uint32_t first_detail;
  };
  struct alignas(32) Detail {
    uint64_t word[4];  // one bit an address
  };
  static constexpr uint32_t kNodeKeys = 8;
  struct alignas(64) Node {
    Key key[kNodeKeys];
  };
  struct Range {
    Key first;
    Key last;
  };

  static std::vector<Range> merge(std::span<const SourcePrefix> prefixes);
  void build_table(std::span<const Range> ranges);
  void build_tree(std::span<const Range> ranges);
  bool table_contains(uint32_t address) const;
  bool tree_contains(Key key) const;

  bool empty_ = true;
  bool zero_inside_ = false;   // the tree's set holds address 0
  std::vector<Block> blocks_;  // 2^18, or none
  std::vector<Detail> details_;
  std::vector<Node> nodes_;            // level by level, the root first
  std::vector<uint32_t> level_first_;  // where each level begins in nodes_
};

}  // namespace dam

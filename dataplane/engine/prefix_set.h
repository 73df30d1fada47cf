// SPDX-License-Identifier: BSD-3-Clause
// A set of address prefixes that a packet's source is looked up in: at least a million CIDRs.
#pragma once

#include <array>
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
// MiB + 32 bytes a partial /24 (so at most 39 MiB for a million IPv4 CIDRs), 37 bytes an IPv6
// prefix.
class PrefixSet {
 public:
  static constexpr uint32_t kTreeRanges = 32;

  PrefixSet() = default;
  explicit PrefixSet(std::span<const SourcePrefix> prefixes);

  bool contains(const dam_address& address) const {
    if (empty_) return false;
    if (!blocks_.empty() && dam_address_is_v4(&address)) {
      return table_contains(__builtin_bswap32(address.word[3]));
    }
    return tree_contains(address);
  }
  // Fetches the first cache line that contains() will touch and that may not be cached.
  void prefetch(const dam_address& address) const {
    if (!blocks_.empty() && dam_address_is_v4(&address)) {
      __builtin_prefetch(&blocks_[__builtin_bswap32(address.word[3]) >> kBlockShift]);
    }
  }
  bool empty() const { return empty_; }
  uint64_t memory_bytes() const;

 private:
  __extension__ using Key = unsigned __int128;
  static constexpr uint32_t kBlockShift = 14;  // a block holds 64 neighbouring /24s
  static constexpr uint32_t kNodeKeys = 8;
  static constexpr uint32_t kMaxLevels = 12;

  // `all` and `some` have one bit a /24, never both; the details of those in `some` follow one
  // another from first_detail on.
  struct alignas(32) Block {
    uint64_t all = 0;
    uint64_t some = 0;
    uint32_t first_detail = 0;
  };
  struct alignas(32) Detail {
    std::array<uint64_t, 4> word{};  // one bit an address
  };
  struct alignas(64) Node {
    std::array<Key, kNodeKeys> key;
  };
  struct Range {
    Key first;
    Key last;
  };

  static Key key_of(const dam_address& address);
  static std::vector<Range> merge(std::span<const SourcePrefix> prefixes);
  void build_table(std::span<const Range> ranges);
  void add_part(uint32_t subnet, uint32_t first, uint32_t last);
  void build_tree(std::span<const Range> ranges);
  void build_levels(std::vector<Key> points);
  bool tree_contains(const dam_address& address) const;
  bool table_contains(uint32_t address) const {
    const Block& block = blocks_[address >> kBlockShift];
    const uint64_t bit = uint64_t{1} << (address >> 8 & 63);
    if (block.all & bit) return true;
    if (!(block.some & bit)) return false;
    const uint32_t before = static_cast<uint32_t>(__builtin_popcountll(block.some & (bit - 1)));
    const Detail& detail = details_[block.first_detail + before];
    return detail.word[address >> 6 & 3] >> (address & 63) & 1;
  }

  bool empty_ = true;
  bool zero_inside_ = false;  // the tree's set holds address 0
  uint32_t levels_ = 0;
  std::array<uint32_t, kMaxLevels>
      level_first_{};  // where each level begins in nodes_, the root's first
  std::vector<Node> nodes_;
  std::vector<Block> blocks_;  // 2^18, or none
  std::vector<Detail> details_;
};

}  // namespace dam

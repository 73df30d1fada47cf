// SPDX-License-Identifier: BSD-3-Clause
// A set of address prefixes that a packet's source is looked up in: at least a million CIDRs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/prefetch.h"

namespace dam {

struct SourcePrefix {
  dam_address address{};
  uint8_t prefix_bits = 0;  // in the 128-bit mapped form: IPv4 /24 is 120. Above 128 counts as 128
};

// Immutable once built. Bits of an address behind its prefix are ignored; /0 holds every address,
// IPv4 ones, too. Nested and overlapping prefixes are merged when the set is built.
//
// IPv4, up to kFewRanges separate ranges: a list of the points where membership changes, read from
// end to end in at most four cache lines that stay cached. IPv4, more ranges: a directory of the
// 2^20 /20s in 4 MiB; a /20 that is neither in nor out as a whole has a list of the points where
// membership changes, of 8 to 64 bytes in one cache line, or, with more points, a bit for each
// address. Two cache misses at most. A million random hosts take 10 MiB; the worst that a million
// CIDRs can take is 34 MiB.
//
// IPv6: a B+ tree of such points, of 8 in a node. A node's upper halves fill one cache
// line, and the lower ones another that is read only if an upper half is the address's. With a
// million IPv6 prefixes it has 7 levels, of which the upper 5 stay in the L2 cache, and takes 37
// bytes a prefix.
class PrefixSet {
 public:
  static constexpr uint32_t kFewRanges = 32;

  PrefixSet() = default;
  explicit PrefixSet(std::span<const SourcePrefix> prefixes);

  bool contains(const dam_address& address) const {
    if (empty_) return false;
    if (!dam_address_is_v4(&address)) return tree_contains(address);
    const uint32_t value = __builtin_bswap32(address.word[3]);
    return directory_.empty() ? list_contains(value) : table_contains(value);
  }
  // Fetches the first cache line that contains() will touch and that may not be cached.
  void prefetch(const dam_address& address) const {
    if (!directory_.empty() && dam_address_is_v4(&address)) {
      dam::prefetch(&directory_[__builtin_bswap32(address.word[3]) >> kLowBits]);
    }
  }
  // Fetches the second one, if there is one; worth a loop of its own over a burst, after
  // prefetch().
  void prefetch_rest(const dam_address& address) const {
    if (directory_.empty() || !dam_address_is_v4(&address)) return;
    const uint32_t value = __builtin_bswap32(address.word[3]);
    const uint32_t entry = directory_[value >> kLowBits];
    const uint32_t spread = (entry & kKindMask) == kBitmap ? (value & kLowMask) / 16 : 0;
    dam::prefetch(lines_.data() + ((entry >> kKindBits) * kUnit + spread) / kLinePoints);
  }
  bool empty() const { return empty_; }
  // Sets of other addresses have another one, but for chance.
  uint64_t digest() const { return digest_; }
  uint64_t memory_bytes() const;

  // The set as it lies in memory, for who looks up in a copy: the kernel's plane (ebpf/lists.h).
  struct Layout {
    std::span<const uint32_t> few;
    std::span<const std::byte> directory;
    std::span<const std::byte> lines;
    std::span<const std::byte> nodes;
    std::span<const uint32_t> level_first;
    uint32_t levels;
    bool zero_inside;
    bool zero_inside_v4;
  };
  Layout layout() const {
    return {few_,
            std::as_bytes(std::span(directory_)),
            std::as_bytes(std::span(lines_)),
            std::as_bytes(std::span(nodes_)),
            level_first_,
            levels_,
            zero_inside_,
            zero_inside_v4_};
  }

 private:
  __extension__ using Key = unsigned __int128;
  static constexpr uint32_t kLowBits = 12;  // of an address in its /20
  static constexpr uint32_t kLowMask = (1u << kLowBits) - 1;
  static constexpr uint32_t kNodeKeys = 8;
  static constexpr uint32_t kMaxLevels = 12;

  // A directory entry: what its /20 has in its low three bits, and where in lines_, in units of
  // kUnit points, in the others. A list has 4, 8, 16 or 32 points (kList + 0 to 3).
  enum Kind : uint32_t { kNothing, kEverything, kBitmap, kList };
  static constexpr uint32_t kKindBits = 3;
  static constexpr uint32_t kKindMask = (1u << kKindBits) - 1;
  static constexpr uint32_t kUnit = 4;
  static constexpr uint32_t kLinePoints = 32;

  struct alignas(64) Line {
    std::array<uint16_t, kLinePoints> point;
  };
  struct alignas(64) Node {
    std::array<uint64_t, kNodeKeys> high;
    std::array<uint64_t, kNodeKeys> low;
  };
  struct Range {
    Key first;
    Key last;
  };

  static Key key_of(const dam_address& address);
  static std::vector<Range> merge(std::span<const SourcePrefix> prefixes);
  void build_table(std::span<const Range> ranges);
  void close_bucket(uint32_t bucket, std::vector<uint16_t>& points);
  uint32_t add_list(std::span<const uint16_t> points);
  uint32_t add_bitmap(std::span<const uint16_t> points);
  uint32_t allocate(uint32_t points);
  void build_tree(std::span<const Range> ranges);
  void build_levels(std::vector<Key> points);
  void build_list(std::span<const Range> ranges);
  bool list_contains(uint32_t address) const;
  bool table_contains(uint32_t address) const;
  bool tree_contains(const dam_address& address) const;

  static uint64_t digest_of(std::span<const Range> ranges);

  bool empty_ = true;
  uint64_t digest_ = 0;
  bool zero_inside_ = false;     // the tree's set holds ::
  bool zero_inside_v4_ = false;  // the list's set holds 0.0.0.0
  uint32_t levels_ = 0;
  std::array<uint32_t, kMaxLevels>
      level_first_{};  // where each level begins in nodes_, the root's first
  std::vector<Node, BigAllocator<Node>> nodes_;
  std::vector<uint32_t> few_;                                // the list
  std::vector<uint32_t, BigAllocator<uint32_t>> directory_;  // 2^20, or none
  std::vector<Line, BigAllocator<Line>> lines_;
  uint32_t used_ = 0;  // points of lines_
};

}  // namespace dam

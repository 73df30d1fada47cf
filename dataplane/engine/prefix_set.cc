// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/prefix_set.h"

#include <algorithm>

namespace dam {
namespace {

__extension__ using Key = unsigned __int128;

constexpr Key kLastKey = ~Key{0};
constexpr Key kFirstV4 = Key{0xffff} << 32;  // ::ffff:0:0, RFC 4291 2.5.5.2
constexpr Key kLastV4 = kFirstV4 | 0xffffffff;
constexpr uint32_t kBlocks = 1u << 18;
constexpr uint32_t kChildren = 9;

}  // namespace

PrefixSet::Key PrefixSet::key_of(const dam_address& address) {
  Key key = 0;
  for (const uint32_t word : address.word) key = key << 32 | __builtin_bswap32(word);
  return key;
}

// The prefixes as separate ranges in rising order, none beside another.
std::vector<PrefixSet::Range> PrefixSet::merge(std::span<const SourcePrefix> prefixes) {
  std::vector<Range> ranges;
  ranges.reserve(prefixes.size());
  for (const SourcePrefix& prefix : prefixes) {
    const uint32_t bits = std::min<uint32_t>(prefix.prefix_bits, 128);
    const Key host = bits == 128 ? 0 : kLastKey >> bits;
    const Key first = key_of(prefix.address) & ~host;
    ranges.push_back({first, first | host});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  size_t kept = 0;
  for (const Range& range : ranges) {
    Range* before = kept != 0 ? &ranges[kept - 1] : nullptr;
    if (before != nullptr && (before->last == kLastKey || range.first <= before->last + 1)) {
      before->last = std::max(before->last, range.last);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

PrefixSet::PrefixSet(std::span<const SourcePrefix> prefixes) : empty_(prefixes.empty()) {
  const std::vector<Range> ranges = merge(prefixes);
  std::vector<Range> v4, others;
  for (const Range& range : ranges) {
    if (range.first < kFirstV4) others.push_back({range.first, std::min(range.last, kFirstV4 - 1)});
    if (range.last > kLastV4) others.push_back({std::max(range.first, kLastV4 + 1), range.last});
    if (range.first <= kLastV4 && range.last >= kFirstV4) {
      v4.push_back({std::max(range.first, kFirstV4), std::min(range.last, kLastV4)});
    }
  }
  const bool table = v4.size() > kTreeRanges;
  if (table) build_table(v4);
  build_tree(table ? others : ranges);
}

// Marks [first, last] of one /24; called in rising order, so that the details are in order, too.
void PrefixSet::add_part(uint32_t subnet, uint32_t first, uint32_t last) {
  Block& block = blocks_[subnet >> 6];
  const uint64_t bit = uint64_t{1} << (subnet & 63);
  if (first == 0 && last == 255) {
    block.all |= bit;
    return;
  }
  if (!(block.some & bit)) {
    if (block.some == 0) block.first_detail = static_cast<uint32_t>(details_.size());
    block.some |= bit;
    details_.emplace_back();
  }
  for (uint32_t i = first; i <= last; ++i) details_.back().word[i >> 6] |= uint64_t{1} << (i & 63);
}

void PrefixSet::build_table(std::span<const Range> ranges) {
  blocks_.resize(kBlocks);
  for (const Range& range : ranges) {
    const uint32_t first = static_cast<uint32_t>(range.first);
    const uint32_t last = static_cast<uint32_t>(range.last);
    for (uint32_t subnet = first >> 8; subnet <= last >> 8; ++subnet) {
      add_part(subnet, subnet == first >> 8 ? first & 255 : 0,
               subnet == last >> 8 ? last & 255 : 255);
    }
  }
  details_.shrink_to_fit();
}

// The tree holds the last address before each change of membership: an address is inside if the
// number of keys below it is odd (even, if address 0 is inside). kLastKey pads: nothing is above
// it.
void PrefixSet::build_tree(std::span<const Range> ranges) {
  std::vector<Key> points;
  points.reserve(2 * ranges.size());
  for (const Range& range : ranges) {
    if (range.first == 0) {
      zero_inside_ = true;
    } else {
      points.push_back(range.first - 1);
    }
    if (range.last != kLastKey) points.push_back(range.last);
  }
  if (!points.empty()) build_levels(std::move(points));
}

// From the leaves up. Key i of an inner node is the greatest key below its child i; the last child
// needs none. Then the levels are laid out from the root down.
void PrefixSet::build_levels(std::vector<Key> points) {
  std::vector<std::vector<Node>> levels;
  std::vector<Key> greatest = std::move(points);
  for (uint32_t fanout = kNodeKeys;; fanout = kChildren) {
    const size_t nodes = (greatest.size() + fanout - 1) / fanout;
    std::vector<Node>& level = levels.emplace_back(nodes);
    std::vector<Key> above(nodes);
    for (size_t i = 0; i < nodes; ++i) {
      const size_t begin = i * fanout;
      const size_t end = std::min(begin + fanout, greatest.size());
      above[i] = greatest[end - 1];
      const size_t keys = fanout == kNodeKeys ? end - begin : end - begin - 1;
      level[i].key.fill(kLastKey);
      std::copy_n(greatest.begin() + begin, keys, level[i].key.begin());
    }
    if (nodes == 1) break;
    greatest = std::move(above);
  }
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    level_first_[levels_++] = static_cast<uint32_t>(nodes_.size());
    nodes_.insert(nodes_.end(), level->begin(), level->end());
  }
}

bool PrefixSet::tree_contains(const dam_address& address) const {
  const Key key = key_of(address);
  uint32_t index = 0;
  uint32_t below = 0;
  for (uint32_t level = 0; level < levels_; ++level) {
    const Node& node = nodes_[level_first_[level] + index];
    below = 0;
    for (const Key k : node.key) below += k < key;
    index = index * kChildren + below;
  }
  return zero_inside_ != (below & 1);
}

uint64_t PrefixSet::memory_bytes() const {
  return sizeof *this + nodes_.capacity() * sizeof(Node) + blocks_.capacity() * sizeof(Block) +
         details_.capacity() * sizeof(Detail);
}

}  // namespace dam

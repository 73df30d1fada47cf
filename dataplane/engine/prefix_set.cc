// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/prefix_set.h"

#include <algorithm>

namespace dam {
namespace {

__extension__ using Key = unsigned __int128;

constexpr Key kLastKey = ~Key{0};
constexpr Key kFirstV4 = Key{0xffff} << 32;  // ::ffff:0:0, RFC 4291 2.5.5.2
constexpr Key kLastV4 = kFirstV4 | 0xffffffff;
constexpr uint32_t kBuckets = 1u << 20;  // /20s
constexpr uint32_t kChildren = 9;
constexpr uint16_t kNever = 0xffff;  // above every address of a /20

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

// The finalizer of MurmurHash3 (A. Appleby) after each word: nobody but the operator chooses these.
uint64_t PrefixSet::digest_of(std::span<const Range> ranges) {
  uint64_t digest = 0;
  const auto mix = [&digest](uint64_t word) {
    digest = (digest ^ word) * 0xff51afd7ed558ccd;
    digest = (digest ^ digest >> 33) * 0xc4ceb9fe1a85ec53;
    digest ^= digest >> 33;
  };
  for (const Range& range : ranges) {
    for (const Key key : {range.first, range.last}) {
      mix(static_cast<uint64_t>(key >> 64));
      mix(static_cast<uint64_t>(key));
    }
  }
  return digest;
}

PrefixSet::PrefixSet(std::span<const SourcePrefix> prefixes) : empty_(prefixes.empty()) {
  const std::vector<Range> ranges = merge(prefixes);
  digest_ = digest_of(ranges);
  std::vector<Range> v4, others;
  for (const Range& range : ranges) {
    if (range.first < kFirstV4) others.push_back({range.first, std::min(range.last, kFirstV4 - 1)});
    if (range.last > kLastV4) others.push_back({std::max(range.first, kLastV4 + 1), range.last});
    if (range.first <= kLastV4 && range.last >= kFirstV4) {
      v4.push_back({std::max(range.first, kFirstV4), std::min(range.last, kLastV4)});
    }
  }
  v4.size() > kFewRanges ? build_table(v4) : build_list(v4);
  build_tree(others);
}

// As in the tree, the last address before each change: one is inside if the number of points below
// it is odd (even, if address 0 is inside).
void PrefixSet::build_list(std::span<const Range> ranges) {
  for (const Range& range : ranges) {
    if (range.first == kFirstV4) {
      zero_inside_v4_ = true;
    } else {
      few_.push_back(static_cast<uint32_t>(range.first - 1));
    }
    if (range.last != kLastV4) few_.push_back(static_cast<uint32_t>(range.last));
  }
}

bool PrefixSet::list_contains(uint32_t address) const {
  uint32_t below = 0;
  for (const uint32_t point : few_) below += point < address;
  return zero_inside_v4_ != (below & 1);
}

// Room for so many points (a power of two), none of which shares its cache line with less than all.
uint32_t PrefixSet::allocate(uint32_t points) {
  const uint32_t aligned = std::min(points, kLinePoints);
  const uint32_t first = (used_ + aligned - 1) / aligned * aligned;
  used_ = first + points;
  lines_.resize((used_ + kLinePoints - 1) / kLinePoints);
  return first;
}

uint32_t PrefixSet::add_list(std::span<const uint16_t> points) {
  uint32_t kind = kList;
  uint32_t room = kUnit;
  for (; room < points.size(); room *= 2) ++kind;
  const uint32_t first = allocate(room);
  for (uint32_t i = 0; i < room; ++i) {
    lines_[(first + i) / kLinePoints].point[(first + i) % kLinePoints] =
        i < points.size() ? points[i] : kNever;
  }
  return first / kUnit << kKindBits | kind;
}

uint32_t PrefixSet::add_bitmap(std::span<const uint16_t> points) {
  const uint32_t first = allocate((1u << kLowBits) / 16);
  bool inside = false;
  size_t next = 0;
  for (uint32_t low = 0; low < 1u << kLowBits; ++low) {
    if (next < points.size() && points[next] == low) {
      inside = !inside;
      ++next;
    }
    uint16_t& word = lines_[(first + low / 16) / kLinePoints].point[low / 16 % kLinePoints];
    word = static_cast<uint16_t>(word | inside << low % 16);
  }
  return first / kUnit << kKindBits | kBitmap;
}

// Membership begins outside and changes at each of `points`.
void PrefixSet::close_bucket(uint32_t bucket, std::vector<uint16_t>& points) {
  if (points.empty()) return;
  const bool whole = points.size() == 1 && points[0] == 0;
  directory_[bucket] = whole                          ? uint32_t{kEverything}
                       : points.size() <= kLinePoints ? add_list(points)
                                                      : add_bitmap(points);
  points.clear();
}

void PrefixSet::build_table(std::span<const Range> ranges) {
  directory_.resize(kBuckets, kNothing);
  std::vector<uint16_t> points;
  uint32_t bucket = 0;
  for (const Range& range : ranges) {
    const uint32_t first = static_cast<uint32_t>(range.first);
    const uint32_t last = static_cast<uint32_t>(range.last);
    for (uint32_t at = first >> kLowBits; at <= last >> kLowBits; ++at) {
      if (at != bucket) close_bucket(bucket, points);
      bucket = at;
      points.push_back(at == first >> kLowBits ? first & kLowMask : 0);
      const uint32_t end = (last & kLowMask) + 1;
      if (at == last >> kLowBits && end <= kLowMask) points.push_back(static_cast<uint16_t>(end));
    }
  }
  close_bucket(bucket, points);
  lines_.shrink_to_fit();
}

bool PrefixSet::table_contains(uint32_t address) const {
  const uint32_t entry = directory_[address >> kLowBits];
  const uint32_t kind = entry & kKindMask;
  if (kind <= kEverything) return kind == kEverything;
  const uint32_t low = address & kLowMask;
  const uint32_t first = (entry >> kKindBits) * kUnit;
  if (kind == kBitmap) {
    const Line& line = lines_[first / kLinePoints + low / (16 * kLinePoints)];
    return line.point[low / 16 % kLinePoints] >> low % 16 & 1;
  }
  const uint16_t* list = &lines_[first / kLinePoints].point[first % kLinePoints];
  uint32_t changes = 0;
  for (const uint16_t* const end = list + (kUnit << (kind - kList)); list != end; list += kUnit) {
    changes += (list[0] <= low) + (list[1] <= low) + (list[2] <= low) + (list[3] <= low);
  }
  return changes & 1;
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
      for (size_t k = 0; k < kNodeKeys; ++k) {
        const Key key = k < keys ? greatest[begin + k] : kLastKey;
        level[i].high[k] = static_cast<uint64_t>(key >> 64);
        level[i].low[k] = static_cast<uint64_t>(key);
      }
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
  const auto high = static_cast<uint64_t>(key >> 64);
  const auto low = static_cast<uint64_t>(key);
  uint32_t index = 0;
  uint32_t below = 0;
  for (uint32_t level = 0; level < levels_; ++level) {
    const Node& node = nodes_[level_first_[level] + index];
    below = 0;
    for (const uint64_t k : node.high) below += k < high;
    while (below < kNodeKeys && node.high[below] == high && node.low[below] < low) ++below;
    index = index * kChildren + below;
  }
  return zero_inside_ != (below & 1);
}

uint64_t PrefixSet::memory_bytes() const {
  return sizeof *this + few_.capacity() * sizeof(uint32_t) + nodes_.capacity() * sizeof(Node) +
         directory_.capacity() * sizeof(uint32_t) + lines_.capacity() * sizeof(Line);
}

}  // namespace dam

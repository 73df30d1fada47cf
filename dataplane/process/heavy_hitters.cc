// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/heavy_hitters.h"

#include <algorithm>
#include <utility>

namespace dam {

HeavyHitters::HeavyHitters(const AddressHash& hash) : places_(2 * kCounters, hash) {
  heap_.reserve(kCounters);
}

void HeavyHitters::clear() {
  heap_.clear();
  places_.clear();
  total_ = 0;
}

void HeavyHitters::add(const dam_address& source, uint64_t units) {
  total_ += units;
  if (const auto known = places_.find(source); known != places_.end()) {
    heap_[known->second].value += units;
    return sink(known->second);
  }
  if (heap_.size() < kCounters) {
    heap_.push_back({source, units, 0});
    places_[source] = heap_.size() - 1;
    return rise(heap_.size() - 1);
  }
  Entry& least = heap_.front();  // gives its place, and its count as the newcomer's error
  places_.erase(least.source);
  least = {source, least.value + units, least.value};
  places_[source] = 0;
  sink(0);
}

void HeavyHitters::sink(size_t at) {
  for (;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap_.size(); ++child) {
      if (heap_[child].value < heap_[least].value) least = child;
    }
    if (least == at) return;
    swap(at, least);
    at = least;
  }
}

void HeavyHitters::rise(size_t at) {
  while (at > 0 && heap_[at].value < heap_[(at - 1) / 2].value) {
    swap(at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

void HeavyHitters::swap(size_t a, size_t b) {
  std::swap(heap_[a], heap_[b]);
  places_[heap_[a].source] = a;
  places_[heap_[b].source] = b;
}

std::vector<HeavyHitters::Entry> HeavyHitters::together_with(const HeavyHitters& other) const {
  std::vector<Entry> all;
  for (const Entry& mine : heap_) {
    Entry& both = all.emplace_back(mine);
    const auto theirs = other.places_.find(mine.source);
    const Entry unseen = {mine.source, other.least(), other.least()};
    const Entry& more = theirs == other.places_.end() ? unseen : other.heap_[theirs->second];
    both.value += more.value;
    both.error += more.error;
  }
  for (const Entry& theirs : other.heap_) {
    if (places_.contains(theirs.source)) continue;
    all.push_back({theirs.source, theirs.value + least(), theirs.error + least()});
  }
  std::sort(all.begin(), all.end(),
            [](const Entry& a, const Entry& b) { return a.value > b.value; });
  return all;
}

}  // namespace dam

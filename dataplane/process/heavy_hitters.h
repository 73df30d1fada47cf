// SPDX-License-Identifier: BSD-3-Clause
// Who has the most of something, in bounded memory: the Space-Saving sketch (A. Metwally,
// D. Agrawal, A. El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams",
// ICDT 2005). With k counters and a total of N: what is reported lies above the truth by at most
// the `error` beside it, never below; nobody who is not among the k has more than least(), and
// least() is at most N / k.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "dataplane/core/siphash.h"
#include "dataplane/core/types.h"

namespace dam {

// Strangers choose their addresses: keyed, so that nobody makes them collide.
struct AddressHash {
  uint64_t key[2] = {};
  size_t operator()(const dam_address& address) const {
    const uint64_t words[2] = {dam_load64(&address.word[0]), dam_load64(&address.word[2])};
    return dam_siphash13(key, words, 2);
  }
};
struct AddressEqual {
  bool operator()(const dam_address& a, const dam_address& b) const {
    return dam_address_equal(&a, &b) != 0;
  }
};

// Whom an address stands for: whoever has an IPv6 address has its /64.
inline dam_address as_one_source(dam_address address) {
  if (!dam_address_is_v4(&address)) address.word[2] = address.word[3] = 0;
  return address;
}

class HeavyHitters {
 public:
  static constexpr size_t kCounters = 1024;

  struct Entry {
    dam_address source;
    uint64_t value = 0;
    uint64_t error = 0;
  };

  explicit HeavyHitters(const AddressHash& hash);

  void add(const dam_address& source, uint64_t units);
  // Of what another has seen of the same: the bounds hold for both together (P. Agarwal et al.,
  // "Mergeable Summaries", PODS 2012).
  std::vector<Entry> together_with(const HeavyHitters& other) const;  // most first
  uint64_t total() const { return total_; }
  uint64_t least() const { return heap_.size() < kCounters ? 0 : heap_.front().value; }
  void clear();

 private:
  void sink(size_t at);
  void rise(size_t at);
  void swap(size_t a, size_t b);

  std::vector<Entry> heap_;                                                    // the least first
  std::unordered_map<dam_address, size_t, AddressHash, AddressEqual> places_;  // in the heap
  uint64_t total_ = 0;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What an intruder writes into the tables, as a list of changes: octets anywhere in an entry, an
// entry's copy in another's place, or noise all over one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "dataplane/core/view.h"
#include "dataplane/engine/engine.h"

namespace dam::fuzz {

// The input, octet by octet; zeros behind its end.
class Input {
 public:
  Input(const uint8_t* data, size_t bytes) : left_(data, bytes) {}
  bool empty() const { return left_.empty(); }
  uint8_t byte() {
    if (left_.empty()) return 0;
    const uint8_t first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  uint16_t word() { return static_cast<uint16_t>(byte() << 8 | byte()); }

 private:
  std::span<const uint8_t> left_;
};

// A table as octets, and which of its entries hold something: those are met first.
struct Octets {
  uint8_t* data;
  size_t entry_bytes;
  size_t entries;
  std::vector<size_t> live;

  uint8_t* entry(uint16_t number) const {
    const size_t at = number < live.size() ? live[number] : number % entries;
    return data + at * entry_bytes;
  }
};

template <class T>
Octets octets_of(std::span<T> table) {
  Octets octets = {reinterpret_cast<uint8_t*>(table.data()), sizeof(T), table.size(), {}};
  const T nothing{};
  for (size_t i = 0; i < table.size(); ++i) {
    if (std::memcmp(&table[i], &nothing, sizeof(T)) != 0) octets.live.push_back(i);
  }
  return octets;
}

inline void make_noise(uint8_t* to, size_t bytes, uint32_t seed) {
  for (size_t i = 0; i < bytes; ++i) {
    seed = seed * 1664525 + 1013904223;
    to[i] = static_cast<uint8_t>(seed >> 24);
  }
}

// Kinds of changes: the lowest four bits name the table; 0x0_ octets, 0x4_ a copy, 0x8_ noise;
// anything else ends the list.
inline void change_tables(Input& input, const SharedTables& tables, dam_view& view) {
  const std::vector<Octets> all = {octets_of(tables.flows),
                                   octets_of(tables.source_buckets),
                                   octets_of(tables.sources),
                                   octets_of(tables.totals),
                                   octets_of(tables.neighbours),
                                   octets_of(tables.macs),
                                   octets_of(tables.strays),
                                   octets_of(std::span(&view, 1)),
                                   octets_of<dam_view_zone>(view.zone),
                                   octets_of<dam_view_server>(view.server),
                                   octets_of<dam_view_listener>(view.listener),
                                   octets_of(tables.requests),
                                   octets_of(tables.request_tats_ns),
                                   octets_of(tables.fingerprints)};
  while (!input.empty()) {
    const uint8_t kind = input.byte();
    if ((kind & 0x30) != 0 || (kind & 15u) >= all.size()) return;
    const Octets& table = all[kind & 15u];
    uint8_t* entry = table.entry(input.word());
    if ((kind & 0x80) != 0) {
      make_noise(entry, table.entry_bytes, input.word());
    } else if ((kind & 0x40) != 0) {
      std::memmove(entry, table.entry(input.word()), table.entry_bytes);
    } else {
      const size_t at = input.word() % table.entry_bytes;
      const size_t bytes = std::min<size_t>(1 + input.byte() % 16, table.entry_bytes - at);
      for (size_t i = 0; i < bytes; ++i) entry[at + i] = input.byte();
    }
  }
}

}  // namespace dam::fuzz

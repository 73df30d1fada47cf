// SPDX-License-Identifier: BSD-3-Clause
// What of a plain HTTP/1.x request's head tells its route: the request line, without the query, and
// its Host fields, as a short head that parse_http_head reads. And, beside flows, that of heads
// that are cut between two segments.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "dataplane/engine/big_array.h"

namespace dam {

class HttpRouteText {
 public:
  void begin(uint8_t first) {
    bytes_ = 0;
    lacks_ = false;
    append(first);
  }
  void add(std::span<const uint8_t> octets) {
    for (const uint8_t c : octets) {
      const bool of_query = bytes_ != 0 && octets_[bytes_ - 1u] == '?' && c != ' ';
      if (c != '\r' && !of_query) append(c);
    }
  }
  void begin_host() { append("Host:"); }
  void end_line() { append("\r\n"); }
  // The request line may have come in part, or be too long.
  bool names_version() const { return !lacks_ && text().find(" HTTP/") != std::string_view::npos; }
  std::span<const uint8_t> octets() const { return std::span(octets_).first(lacks_ ? 0 : bytes_); }
  void lose() { lacks_ = true; }
  bool lacks() const { return lacks_; }
  void copy(const HttpRouteText& from) {  // no more than there is
    bytes_ = from.bytes_;
    lacks_ = from.lacks_;
    std::memcpy(octets_.data(), from.octets_.data(), bytes_);
  }

 private:
  std::string_view text() const { return {reinterpret_cast<const char*>(octets_.data()), bytes_}; }
  void append(uint8_t c) {
    lacks_ = lacks_ || bytes_ == octets_.size();
    if (!lacks_) octets_[bytes_++] = c;
  }
  void append(std::string_view more) {
    for (const char c : more) append(static_cast<uint8_t>(c));
  }

  uint16_t bytes_ = 0;
  bool lacks_ = false;
  std::array<uint8_t, 2036> octets_;
};

// A few: whoever cuts his heads on many connections at once pushes others' out, and those requests
// then count where it is strictest.
class CutHeads {
 public:
  void keep(uint32_t flow, uint32_t epoch, const HttpRouteText& text) {
    Entry& entry = at(flow);
    if (text.lacks()) return forget(entry, flow);  // it is as good as none, and pushes nobody out
    entry.flow = flow + 1;
    entry.epoch = epoch;
    entry.text.copy(text);
  }
  void find(uint32_t flow, uint32_t epoch, HttpRouteText& text) {
    const Entry& entry = at(flow);
    const bool is_its = entry.flow == flow + 1 && entry.epoch == epoch;
    is_its ? text.copy(entry.text) : text.lose();
  }

 private:
  static constexpr uint32_t kEntries = 512;
  struct Entry {
    uint32_t flow;  // + 1; 0: none
    uint32_t epoch;
    HttpRouteText text;
  };
  static void forget(Entry& entry, uint32_t flow) {
    if (entry.flow == flow + 1) entry.flow = 0;
  }
  Entry& at(uint32_t flow) { return entries_[flow % kEntries]; }
  BigArray<Entry> entries_{kEntries};
};

}  // namespace dam

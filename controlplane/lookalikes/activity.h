// SPDX-License-Identifier: BSD-3-Clause
// What one source has done since its window began: sums alone, nothing that it has said or asked.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>

#include "controlplane/lookalikes/features.h"
#include "controlplane/lookalikes/flow_rhythm.h"
#include "controlplane/lookalikes/moments.h"
#include "controlplane/signals/signal.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

// Different texts, by their hashes, within a fixed number of bits (linear counting, Whang 1990).
template <size_t bits>
class DistinctTexts {
 public:
  void add(std::string_view text) {
    seen_.set(static_cast<size_t>(unit_hash(text, 0) * static_cast<double>(bits)));
  }
  double count() const {
    const size_t unset = std::max<size_t>(bits - seen_.count(), 1);
    return static_cast<double>(bits) *
           std::log(static_cast<double>(bits) / static_cast<double>(unset));
  }

 private:
  std::bitset<bits> seen_;
};

class Activity {
 public:
  static constexpr size_t kTwelfths = 12;       // of a window
  static constexpr uint32_t kMostWindows = 10;  // that one who does little is given
  static constexpr uint64_t kLeastActs = 3;     // fewer say nothing of how somebody behaves

  Activity(int64_t begun_ms, int64_t window_ms) : begun_ms_(begun_ms), window_ms_(window_ms) {}

  // `rhythm`: without what flow() has told of it.
  void connection(const v1::EndedConnection& ended, const FlowRhythm& rhythm);
  void flow(const FlowRhythm& rhythm, const std::string& ja4);  // open at the window's end
  void refusals(uint64_t count) { refused_ += count; }
  void signal(const Signal& signal, int64_t now_ms);

  // Refusals alone say nothing of how somebody behaves.
  uint64_t acts() const { return connections_ + open_ + requests_ + told_; }
  uint64_t requests() const { return requests_; }
  uint64_t connections() const { return connections_ + open_; }
  int64_t begun_ms() const { return begun_ms_; }
  // False: it has done too little so far, and gets another window.
  bool is_over();
  FeatureValues values(int64_t now_ms) const;

 private:
  void hello(const std::string& ja4);
  void rhythm(const FlowRhythm& rhythm);
  void mark(int64_t at_ms);
  void write_rhythm(FeatureValues& values, double minutes) const;
  void write_connections(FeatureValues& values, double minutes, int64_t looked_at_ms) const;
  void write_hello(FeatureValues& values) const;
  void write_told(FeatureValues& values, double minutes, int64_t looked_at_ms) const;

  int64_t begun_ms_;
  int64_t window_ms_;
  uint32_t windows_ = 0;
  std::bitset<kTwelfths * kMostWindows> active_;
  uint64_t requests_ = 0, gap_weight_ = 0, bytes_weight_ = 0;
  double gap_sum_ms_ = 0, deviation_sum_ms_ = 0, bytes_sum_ = 0;
  uint64_t connections_ = 0, open_ = 0, broken_ = 0, refused_ = 0;
  Pulse begun_;
  Moments ln_duration_, ln_up_, ln_down_;
  DistinctTexts<16> zones_;
  DistinctTexts<32> hello_kinds_;
  std::array<Moments, 7> hello_;  // version, ciphers, extensions, ALPN, three hashes
  uint64_t told_ = 0, failed_ = 0;
  Pulse told_at_;
  DistinctTexts<256> paths_;
  std::array<Moments, 4> path_;  // depth, three hashes
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What happened in a run: a hash of all of it, and its text when somebody wants to read it. Two
// runs with one hash were the same run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

namespace dam::simulation {

class Trace {
 public:
  explicit Trace(bool prints) : prints_(prints) {}

  bool prints() const { return prints_; }
  uint64_t hash() const { return hash_; }

  void note(uint64_t now_ns, std::span<const uint8_t> bytes) {
    mix(now_ns);
    size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, 8);
      mix(word);
    }
    uint64_t rest = bytes.size();
    for (; at < bytes.size(); ++at) rest = rest << 8 | bytes[at];
    mix(rest);
  }
  void say(uint64_t now_ns, const std::string& text) const {
    if (!prints_) return;
    std::printf("%13.6f  %s\n", static_cast<double>(now_ns) / 1e9, text.c_str());
  }

 private:
  void mix(uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9fb21c651e98df25;
    hash_ ^= hash_ >> 32;
  }

  bool prints_;
  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace dam::simulation

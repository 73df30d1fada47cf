// SPDX-License-Identifier: BSD-3-Clause
// All chance of a run comes from its seed, by way of this (splitmix64: Steele, Lea and Flood,
// 2014).
#pragma once

#include <cstdint>

namespace dam::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  // A source of its own for one part, so that what others draw does not move it.
  Random fork() { return Random(next()); }

 private:
  uint64_t state_;
};

}  // namespace dam::simulation

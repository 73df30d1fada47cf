// SPDX-License-Identifier: BSD-3-Clause
// Details of a step, drawn from one number of it, so that a step stays the same whatever happens
// to the others when RapidCheck shrinks a failure.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace dam::test {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {  // SplitMix64 (Steele, Lea, Flood 2014)
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint32_t below(uint32_t end) { return static_cast<uint32_t>(next() % end); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  template <class T>
  T of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<uint32_t>(choices.size())));
  }

 private:
  uint64_t state_;
};

}  // namespace dam::test

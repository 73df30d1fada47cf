// SPDX-License-Identifier: BSD-3-Clause
// When single checks become a verdict: so many in a row, or nothing changes.
#pragma once

#include <cstdint>

namespace dam::control {

enum class Verdict { unknown, up, down };

class RiseFall {
 public:
  // The first success of a server that nobody knows is enough; its failures must be `fall` in a
  // row, as those of one that was up.
  Verdict note(bool well, uint64_t rise, uint64_t fall) {
    successes_ = well ? successes_ + 1 : 0;
    failures_ = well ? 0 : failures_ + 1;
    if (verdict_ == Verdict::unknown && well) verdict_ = Verdict::up;
    if (verdict_ == Verdict::down && successes_ >= rise) verdict_ = Verdict::up;
    if (failures_ >= fall) verdict_ = Verdict::down;
    return verdict_;
  }
  Verdict verdict() const { return verdict_; }
  uint64_t in_a_row() const { return successes_ + failures_; }

 private:
  Verdict verdict_ = Verdict::unknown;
  uint64_t successes_ = 0;
  uint64_t failures_ = 0;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// All that is wrong with a message, as sentences: everything at once, up to a bound.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dam {

class Errors {
 public:
  static constexpr size_t kMost = 100;

  void add(std::string sentence) {
    if (sentences_.size() < kMost) {
      sentences_.push_back(std::move(sentence));
    } else if (sentences_.size() == kMost) {
      sentences_.push_back("and more errors of this kind.");
    }
  }
  // What holds must hold: adds the sentence if not.
  bool require(bool holds, const std::string& sentence) {
    if (!holds) add(sentence);
    return holds;
  }
  bool empty() const { return sentences_.empty(); }
  std::vector<std::string> take() { return std::move(sentences_); }

 private:
  std::vector<std::string> sentences_;
};

}  // namespace dam

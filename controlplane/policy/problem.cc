// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/problem.h"

#include <algorithm>
#include <tuple>

namespace dam::control {

namespace {

// YAML folds what stands on several lines into one value, whose octets may be any.
void put_on_one_line(std::string& text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
}

// Nobody reads more at once, and a text may be wrong in each of its million bytes.
constexpr size_t kMostTold = 200;

}  // namespace

std::string Problem::text() const {
  std::string result = file;
  if (mark.line > 0) {
    result += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  }
  result += severity == Severity::error ? ": error: " : ": warning: ";
  result += message;
  if (!hint.empty()) result += "; " + hint;
  return result;
}

void Problems::add(Problem problem) {
  put_on_one_line(problem.message);
  put_on_one_line(problem.hint);
  list_.push_back(std::move(problem));
}

void Problems::error(Mark mark, std::string message, std::string hint) {
  add({Severity::error, file_, mark, std::move(message), std::move(hint)});
}

void Problems::warning(Mark mark, std::string message, std::string hint) {
  add({Severity::warning, file_, mark, std::move(message), std::move(hint)});
}

size_t Problems::errors() const {
  return static_cast<size_t>(std::count_if(
      list_.begin(), list_.end(), [](const Problem& p) { return p.severity == Severity::error; }));
}

std::vector<Problem> Problems::sorted() const {
  std::vector<Problem> result = list_;
  std::stable_sort(result.begin(), result.end(), [this](const Problem& a, const Problem& b) {
    // The policy itself first, then the files that it names.
    return std::tuple(a.file != file_, a.file, a.mark.line, a.mark.column) <
           std::tuple(b.file != file_, b.file, b.mark.line, b.mark.column);
  });
  if (result.size() <= kMostTold) return result;
  const size_t more = result.size() - kMostTold;
  result.resize(kMostTold);
  result.push_back({failed() ? Severity::error : Severity::warning,
                    file_,
                    {},
                    std::to_string(more) + " more problems",
                    "mend those above first"});
  return result;
}

namespace {

// Optimal string alignment: insertions, deletions, substitutions, swapped neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > 64) return "";
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string any_of(const std::vector<std::string>& words) {
  std::string result;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) result += i + 1 == words.size() ? " or " : ", ";
    result += words[i];
  }
  return result;
}

}  // namespace dam::control

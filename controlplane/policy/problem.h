// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a policy: collected, never thrown, so that people see everything at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dam::control {

// A place in a file, counted from 1; line 0: the file as a whole.
struct Mark {
  int line = 0;
  int column = 0;
};

// A value and where it was written.
template <class V>
struct Located {
  V value{};
  Mark mark;
};

enum class Severity { error, warning };

struct Problem {
  Severity severity = Severity::error;
  std::string file;
  Mark mark;
  std::string message;  // what is wrong
  std::string hint;     // what would be right

  // "dam.yaml:3:7: error: …; hint: …", one line.
  std::string text() const;
};

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void error(Mark mark, std::string message, std::string hint = "");
  void warning(Mark mark, std::string message, std::string hint = "");
  void add(Problem problem);  // what it quotes of the file is put on one line

  bool failed() const { return errors() > 0; }
  size_t errors() const;
  const std::string& file() const { return file_; }
  // In the order of the file, errors and warnings mixed.
  std::vector<Problem> sorted() const;

 private:
  std::string file_;
  std::vector<Problem> list_;
};

// The known word that was most likely meant, or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

// "a, b or c"
std::string any_of(const std::vector<std::string>& words);

}  // namespace dam::control

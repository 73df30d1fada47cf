// SPDX-License-Identifier: BSD-3-Clause
// Single values of dam.yaml's text, changed where they stand: comments, order and layout of the
// rest stay as people wrote them. After each change the text is read again, and must mean exactly
// what was wanted; where its layout does not let that be (aliases, values over several lines),
// nothing is changed and the caller is told.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace dam::ctl {

using Strings = std::vector<std::string>;
// Keys from the root on; in a list of maps the entry's `name`.
using Path = std::vector<std::string>;

std::string text_of_path(const Path& path);  // "interfaces.front.device"
// As YAML writes it; in quotes where it would be read as something else.
std::string yaml_scalar(const std::string& value);
std::string yaml_list(const Strings& values);  // "[a, b]"

class YamlText {
 public:
  // A document that was read before, so its aliases are within bounds.
  explicit YamlText(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

  bool has(const Path& path) const;
  // All of these: false where it cannot be done. Keys that are missing are made, entries of lists
  // of maps are not.
  bool set(const Path& path, const std::string& value);
  bool set_list(const Path& path, const Strings& values);
  // Of a list that is there. `normal` makes one text of all ways to write a value.
  using Normal = std::function<std::string(const std::string&)>;
  bool change_list(const Path& path, const Strings& added, const Strings& removed,
                   const Normal& normal);
  // A key of a map, with the comment above it.
  bool remove(const Path& path);

 private:
  std::string text_;
};

}  // namespace dam::ctl

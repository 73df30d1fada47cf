// SPDX-License-Identifier: BSD-3-Clause
// Where values, lines and blocks begin and end in the text of a YAML document that was read, in
// bytes. Layouts that these do not know give a wrong place, never one outside of the text: whoever
// changes something by them reads the result again.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

namespace dam::ctl {

// A node that stands nowhere (an empty value) is at the end.
size_t place_of(const std::string& text, const YAML::Node& node);
bool is_flow(const std::string& text, const YAML::Node& node);
bool any_flow(const std::string& text, const std::vector<YAML::Node>& nodes);
size_t end_of_flow(const std::string& text, size_t at);
// Behind a scalar or a value in brackets.
size_t end_of_value(const std::string& text, const YAML::Node& node, bool inside_flow);
size_t begin_of_line(const std::string& text, size_t at);
// Behind the lines of what begins in that line: those that are indented further. Blank lines and
// comments behind the last of them belong to what follows.
size_t end_of_block(const std::string& text, size_t line);
size_t above_comments(const std::string& text, size_t line);

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/yaml_place.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace dam::ctl {

namespace {

constexpr size_t kNowhere = std::string::npos;

size_t end_of_quoted(const std::string& text, size_t at) {
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return at + 1;
      ++at;
    }
  }
  return text.size();
}

bool begins_comment(const std::string& text, size_t at) {
  return text[at] == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n');
}

size_t end_of_plain(const std::string& text, size_t at, bool inside_flow) {
  const size_t begin = at;
  for (; at < text.size() && text[at] != '\n' && !begins_comment(text, at); ++at) {
    if (inside_flow && std::string_view(",]}").find(text[at]) != kNowhere) break;
  }
  while (at > begin && (text[at - 1] == ' ' || text[at - 1] == '\r')) --at;
  return at;
}

size_t end_of_line(const std::string& text, size_t at) {
  const size_t found = text.find('\n', at);
  return found == kNowhere ? text.size() : found + 1;
}

// Of the line that begins there; nothing for blank lines and comments.
std::optional<size_t> depth_of_line(const std::string& text, size_t line) {
  const size_t at = text.find_first_not_of(' ', line);
  if (at == kNowhere || text[at] == '\n' || text[at] == '#' || text[at] == '\r')
    return std::nullopt;
  return at - line;
}

}  // namespace

size_t place_of(const std::string& text, const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? text.size() : std::min(static_cast<size_t>(mark.pos), text.size());
}

bool is_flow(const std::string& text, const YAML::Node& node) {
  const size_t at = place_of(text, node);
  return !node.IsScalar() && at < text.size() && (text[at] == '[' || text[at] == '{');
}

bool any_flow(const std::string& text, const std::vector<YAML::Node>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const auto& one) { return is_flow(text, one); });
}

size_t end_of_flow(const std::string& text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = end_of_quoted(text, at);
      continue;
    }
    if (begins_comment(text, at)) {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    ++at;
    if ((c == ']' || c == '}') && --depth == 0) return at;
  }
  return at;
}

size_t end_of_value(const std::string& text, const YAML::Node& node, bool inside_flow) {
  const size_t at = place_of(text, node);
  if (!node.IsScalar()) return end_of_flow(text, at);
  if (text[at] == '"' || text[at] == '\'') return end_of_quoted(text, at);
  return end_of_plain(text, at, inside_flow);
}

size_t begin_of_line(const std::string& text, size_t at) {
  const size_t before = at == 0 ? kNowhere : text.rfind('\n', at - 1);
  return before == kNowhere ? 0 : before + 1;
}

size_t end_of_block(const std::string& text, size_t line) {
  const size_t depth = depth_of_line(text, line).value_or(0);
  size_t end = end_of_line(text, line);
  for (size_t at = end; at < text.size(); at = end_of_line(text, at)) {
    const auto here = depth_of_line(text, at);
    if (here && *here <= depth) break;
    if (here) end = end_of_line(text, at);
  }
  return end;
}

size_t above_comments(const std::string& text, size_t line) {
  while (line > 0) {
    const size_t before = begin_of_line(text, line - 1);
    const size_t at = text.find_first_not_of(' ', before);
    if (at == kNowhere || text[at] != '#') break;
    line = before;
  }
  return line;
}

}  // namespace dam::ctl

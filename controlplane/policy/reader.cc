// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/reader.h"

#include <algorithm>
#include <map>
#include <regex>

namespace dam::control {

namespace {

// A policy of this many values has been multiplied by aliases, not written.
constexpr size_t kMostValues = 500'000;
constexpr size_t kLongestName = 63;  // DAM_NAME_BYTES without the NUL

}  // namespace

const char* const kNamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

bool is_name(const std::string& text) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kLongestName &&
         std::isalnum(static_cast<unsigned char>(text[0])) != 0 &&
         std::all_of(text.begin(), text.end(), allowed);
}

void report_bad_name(Reader& reader, const YAML::Node& node) {
  reader.problems().error(
      mark_of(node), "\"" + node.Scalar().substr(0, 80) + "\" is not a name",
      "use letters, digits, '.', '_' and '-', at most 63, a letter or digit first");
}

Mark mark_of(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};
}

std::string found_text(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "\"" + node.Scalar().substr(0, 80) + "\"";
    default:
      return "nothing";
  }
}

// YAML 1.2 core schema (YAML 1.2.2, 10.3.2).
bool is_typed_scalar(const YAML::Node& node) {
  static const std::regex kTyped(
      "~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|"
      "[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\\.(inf|Inf|INF)|"
      "\\.(nan|NaN|NAN)");
  if (!node.IsScalar() || node.Tag() == "!") return false;
  return node.Scalar().size() < 64 && std::regex_match(node.Scalar(), kTyped);
}

void Reader::wrong(const YAML::Node& node, const std::string& expected, const std::string& hint) {
  problems_.error(mark_of(node), "expected " + expected + ", found " + found_text(node), hint);
}

bool Reader::count_value(const YAML::Node& node) {
  if (++values_ == kMostValues) {
    problems_.error(mark_of(node), "more than 500,000 values once aliases are expanded",
                    "put long address lists into a file: deny: [{file: PATH}]");
  }
  return values_ < kMostValues;
}

bool read_pairs(Reader& reader, const YAML::Node& node, const std::string& what, Pairs& pairs) {
  if (!reader.count_value(node)) return false;
  if (!node.IsMap()) {
    reader.wrong(node, what);
    return false;
  }
  std::map<std::string, Mark> seen;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) {
      reader.wrong(pair.first, "a key");
      continue;
    }
    const auto [at, fresh] = seen.emplace(pair.first.Scalar(), mark_of(pair.first));
    if (fresh) {
      pairs.emplace_back(pair.first, pair.second);
    } else {
      reader.problems().error(mark_of(pair.first),
                              "\"" + pair.first.Scalar() + "\" is written twice",
                              "it stands in line " + std::to_string(at->second.line) + " already");
    }
  }
  return true;
}

void check_length(Reader& reader, const YAML::Node& node, const std::string& what, size_t least,
                  size_t most) {
  if (node.size() >= least && node.size() <= most) return;
  reader.problems().error(mark_of(node), std::to_string(node.size()) + " entries in " + what +
                                             ", expected " + std::to_string(least) + " to " +
                                             std::to_string(most));
}

void report_unknown_key(Reader& reader, const YAML::Node& key,
                        const std::vector<std::string>& known) {
  const std::string guess = did_you_mean(key.Scalar(), known);
  reader.problems().error(
      mark_of(key), "unknown key \"" + key.Scalar().substr(0, 80) + "\"",
      guess.empty() ? "known here: " + any_of(known) : "did you mean \"" + guess + "\"?");
}

}  // namespace dam::control

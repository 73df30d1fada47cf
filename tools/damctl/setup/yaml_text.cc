// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/yaml_text.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/damctl/setup/yaml_place.h"

namespace dam::ctl {

namespace {

using Meaning = nlohmann::ordered_json;
constexpr size_t kNone = std::string::npos;

Meaning meaning_of(const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  if (node.IsNull()) return nullptr;
  Meaning all = node.IsMap() ? Meaning::object() : Meaning::array();
  for (const auto& one : node) {
    if (node.IsMap()) {
      all[one.first.Scalar()] = meaning_of(one.second);
    } else {
      all.push_back(meaning_of(one));
    }
  }
  return all;
}

// Does the text mean that?
bool means(const std::string& text, const Meaning& wanted) {
  try {
    return meaning_of(YAML::Load(text)) == wanted;
  } catch (const YAML::Exception&) {
    return false;
  }
}

// By key, or by the `name` of an entry; a node that is not valid: there is none.
YAML::Node step(const YAML::Node& from, const std::string& key) {
  for (const auto& one : from) {
    if (from.IsMap() && one.first.Scalar() == key) return one.second;
    if (from.IsSequence() && one.IsMap() && one["name"] && one["name"].Scalar() == key) return one;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

Meaning* step(Meaning& from, const std::string& key) {
  if (from.is_object()) return from.contains(key) ? &from[key] : nullptr;
  for (Meaning& one : from) {
    if (one.is_object() && one.value("name", "") == key) return &one;
  }
  return nullptr;
}

// The nodes from the root to what is there of the path: path.size() + 1 of them if all is.
std::vector<YAML::Node> nodes_along(const std::string& text, const Path& path) {
  std::vector<YAML::Node> nodes{YAML::Load(text)};
  for (const std::string& key : path) {
    const YAML::Node next = step(nodes.back(), key);
    if (!next.IsDefined()) break;
    nodes.push_back(next);
  }
  return nodes;
}

YAML::Node key_node(const YAML::Node& map, const std::string& key) {
  for (const auto& one : map) {
    if (map.IsMap() && one.first.Scalar() == key) return one.first;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

// "a: {b: value}" of the keys from `first` on.
std::string nested_flow(const Path& path, size_t first, const std::string& value) {
  std::string text = yaml_scalar(path[first]) + ": ";
  if (first + 1 == path.size()) return text + value;
  return text + "{" + nested_flow(path, first + 1, value) + "}";
}

std::string nested_block(const Path& path, size_t first, const std::string& value, size_t indent) {
  const std::string key = std::string(indent, ' ') + yaml_scalar(path[first]) + ":";
  if (first + 1 == path.size()) return key + " " + value + "\n";
  return key + "\n" + nested_block(path, first + 1, value, indent + 2);
}

// A key that is not there yet, at the end of the last map that is.
std::optional<std::string> with_new_key(const std::string& text, const Path& path,
                                        const std::vector<YAML::Node>& nodes,
                                        const std::string& value) {
  const YAML::Node& map = nodes.back();
  const size_t known = nodes.size() - 1;
  std::string result = text;
  if (!map.IsMap() || map.size() == 0) return std::nullopt;
  if (is_flow(text, map)) {
    const size_t last =
        text.find_last_not_of(" \n", end_of_flow(text, place_of(text, map)) - 2) + 1;
    return result.insert(last,
                         (text[last - 1] == ',' ? " " : ", ") + nested_flow(path, known, value));
  }
  size_t last_line = 0;
  for (const auto& one : map) {
    last_line = std::max(last_line, begin_of_line(text, place_of(text, one.first)));
  }
  if (result.empty() || result.back() != '\n') result += '\n';
  const auto indent = static_cast<size_t>(map.Mark().column);
  const size_t at = end_of_block(result, last_line);
  return result.insert(at, nested_block(path, known, value, indent));
}

// `value` as YAML writes it, in the place of what is there.
std::optional<std::string> with_value(const std::string& text, const Path& path,
                                      const std::string& value) {
  const auto nodes = nodes_along(text, path);
  if (nodes.size() <= path.size()) return with_new_key(text, path, nodes, value);
  const YAML::Node& node = nodes.back();
  if (node.IsNull() || (!node.IsScalar() && !is_flow(text, node))) return std::nullopt;
  std::string result = text;
  const size_t at = place_of(text, node);
  return result.replace(at, end_of_value(text, node, any_flow(text, nodes)) - at, value);
}

Meaning* made(Meaning& from, const Path& path) {
  Meaning* at = &from;
  for (const std::string& key : path) {
    Meaning* next = step(*at, key);
    if (next == nullptr && !at->is_object()) return nullptr;
    if (next == nullptr) next = &((*at)[key] = Meaning::object());
    at = next;
  }
  return at;
}

struct ListChange {
  Strings added, removed;
  const YamlText::Normal& normal;

  bool keeps(const YAML::Node& one) const {
    return !one.IsScalar() ||
           std::find(removed.begin(), removed.end(), normal(one.Scalar())) == removed.end();
  }
};

// In brackets, or one value that stands for a list.
std::optional<std::string> with_flow_list(const std::string& text,
                                          const std::vector<YAML::Node>& nodes,
                                          const ListChange& change) {
  const YAML::Node& list = nodes.back();
  const bool inside = list.IsSequence() || any_flow(text, nodes);
  Strings parts;
  const auto take = [&](const YAML::Node& one) {
    const size_t at = place_of(text, one);
    if (change.keeps(one)) parts.push_back(text.substr(at, end_of_value(text, one, inside) - at));
  };
  if (list.IsScalar()) take(list);
  for (const auto& one : list) take(one);
  for (const std::string& one : change.added) parts.push_back(yaml_scalar(one));
  std::string flow;
  for (const std::string& one : parts) flow += (flow.empty() ? "" : ", ") + one;
  std::string result = text;
  const size_t at = place_of(text, list);
  return result.replace(at, end_of_value(text, list, any_flow(text, nodes)) - at, "[" + flow + "]");
}

// A value a line.
std::optional<std::string> with_block_list(const std::string& text, const YAML::Node& list,
                                           const ListChange& change) {
  const auto depth = static_cast<size_t>(list.Mark().column);
  std::string result = text;
  if (result.back() != '\n') result += '\n';
  std::vector<std::pair<size_t, bool>> lines;  // where, and whether it stays
  for (const auto& one : list) {
    lines.emplace_back(begin_of_line(text, place_of(text, one)), change.keeps(one));
  }
  std::string fresh;
  for (const std::string& one : change.added) {
    fresh += std::string(depth, ' ') + "- " + yaml_scalar(one) + "\n";
  }
  result.insert(end_of_block(result, lines.back().first), fresh);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (!line->second) {
      result.erase(line->first, end_of_block(result, line->first) - line->first);
    }
  }
  return result;
}

std::optional<std::string> without_key(const std::string& text, const Path& path) {
  const auto nodes = nodes_along(text, path);
  if (nodes.size() <= path.size()) return std::nullopt;
  const YAML::Node& map = nodes[nodes.size() - 2];
  const YAML::Node key = key_node(map, path.back());
  if (!key.IsDefined() || map.size() < 2) return std::nullopt;
  std::string result = text;
  size_t begin = place_of(text, key);
  if (!is_flow(text, map)) {
    const size_t line = begin_of_line(text, begin);
    begin = above_comments(text, line);
    return result.erase(begin, end_of_block(text, line) - begin);
  }
  size_t end = end_of_value(text, nodes.back(), true);
  const size_t next = text.find_first_not_of(" \n", end);
  if (next != kNone && text[next] == ',') {
    end = text.find_first_not_of(" \n", next + 1);
  } else {
    begin = text.find_last_of(',', begin);
  }
  if (begin > end || end > text.size()) return std::nullopt;  // comments between the values
  return result.erase(begin, end - begin);
}

// What cannot be read back as it was meant is none.
bool put(std::string& text, const std::optional<std::string>& changed, const Meaning& wanted) {
  if (!changed || !means(*changed, wanted)) return false;
  text = *changed;
  return true;
}

}  // namespace

std::string text_of_path(const Path& path) {
  std::string text;
  for (const std::string& key : path) text += (text.empty() ? "" : ".") + key;
  return text;
}

std::string yaml_scalar(const std::string& value) {
  const bool plain = !value.empty() && value.front() != '-' && value.front() != '.' &&
                     std::all_of(value.begin(), value.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/';
                     });
  return plain ? value : Meaning(value).dump();
}

std::string yaml_list(const Strings& values) {
  std::string text;
  for (const std::string& one : values) text += (text.empty() ? "" : ", ") + yaml_scalar(one);
  return "[" + text + "]";
}

bool YamlText::has(const Path& path) const { return nodes_along(text_, path).size() > path.size(); }

bool YamlText::set(const Path& path, const std::string& value) {
  Meaning wanted = meaning_of(YAML::Load(text_));
  Meaning* at = made(wanted, path);
  if (at == nullptr) return false;
  *at = value;
  return put(text_, with_value(text_, path, yaml_scalar(value)), wanted);
}

bool YamlText::set_list(const Path& path, const Strings& values) {
  Meaning wanted = meaning_of(YAML::Load(text_));
  Meaning* at = made(wanted, path);
  if (at == nullptr) return false;
  *at = values;
  return put(text_, with_value(text_, path, yaml_list(values)), wanted);
}

bool YamlText::change_list(const Path& path, const Strings& added, const Strings& removed,
                           const Normal& normal) {
  Meaning wanted = meaning_of(YAML::Load(text_));
  Meaning* at = made(wanted, path);
  const auto nodes = nodes_along(text_, path);
  if (at == nullptr || nodes.size() <= path.size()) return false;
  const YAML::Node& list = nodes.back();
  if (!list.IsScalar() && !list.IsSequence()) return false;
  const ListChange change{added, removed, normal};
  Meaning kept = Meaning::array();
  if (list.IsScalar() && change.keeps(list)) kept.push_back(meaning_of(list));
  for (const auto& one : list) {
    if (change.keeps(one)) kept.push_back(meaning_of(one));
  }
  for (const std::string& one : added) kept.push_back(one);
  *at = kept;
  const bool lines = list.IsSequence() && !is_flow(text_, list);
  return put(text_,
             lines ? with_block_list(text_, list, change) : with_flow_list(text_, nodes, change),
             wanted);
}

bool YamlText::remove(const Path& path) {
  Meaning wanted = meaning_of(YAML::Load(text_));
  const Path above(path.begin(), path.end() - 1);
  Meaning* at = made(wanted, above);
  if (at == nullptr || !at->is_object() || !at->contains(path.back())) return false;
  at->erase(path.back());
  return put(text_, without_key(text_, path), wanted);
}

}  // namespace dam::ctl

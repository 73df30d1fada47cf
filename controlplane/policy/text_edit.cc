// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/text_edit.h"

#include <yaml-cpp/yaml.h>

#include <optional>
#include <sstream>
#include <vector>

#include "controlplane/policy/reader.h"

namespace dam::control {

namespace {

constexpr size_t kNowhere = static_cast<size_t>(-1);

const char* key_of(Section section) { return section == Section::routes ? "routes" : "servers"; }

constexpr const char* kQuoted = "!";  // the tag of a scalar in quotes: text, whatever it looks like

// Would YAML read it back as this very text?
bool reads_as_text(const std::string& text) {
  try {
    const YAML::Node node = YAML::Load(text);
    return node.IsScalar() && node.Scalar() == text && !is_typed_scalar(node);
  } catch (const YAML::Exception&) {
    return false;
  }
}

YAML::Node text_node(const std::string& text) {
  YAML::Node node(text);
  const bool plain = text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789._/:*-") == std::string::npos &&
                     reads_as_text(text);
  if (!plain) node.SetTag(kQuoted);
  return node;
}

// As deep as the JSON that was read, whose reader has a bound.
YAML::Node node_of(const Json& value) {
  if (value.is_string()) return text_node(value.get<std::string>());
  if (value.is_object()) {
    YAML::Node map(YAML::NodeType::Map);
    for (const auto& [key, one] : value.items()) map.force_insert(text_node(key), node_of(one));
    return map;
  }
  if (value.is_array()) {
    YAML::Node list(YAML::NodeType::Sequence);
    for (const Json& one : value) list.push_back(node_of(one));
    return list;
  }
  return YAML::Node(value.dump());
}

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

size_t indent_of(const std::string& line) {
  const size_t at = line.find_first_not_of(' ');
  return at == std::string::npos || line[at] == '#' ? kNowhere : at;  // blank, or a comment
}

// The lines of an entry that begins at `first`: up to what is indented no further than it. Blank
// lines and comments before that belong to what follows.
size_t end_of(const Lines& lines, size_t first) {
  size_t end = first + 1;
  for (size_t at = first + 1; at < lines.size(); ++at) {
    const size_t indent = indent_of(lines[at]);
    if (indent == kNowhere) continue;
    if (indent <= indent_of(lines[first])) break;
    end = at + 1;
  }
  return end;
}

struct Found {
  size_t line = kNowhere;  // of the entry of that name
  size_t last = kNowhere;  // of the last entry
};

Found find(const YAML::Node& list, Section section, const std::string& name) {
  Found found;
  for (const auto& one : list) {
    const bool route = section == Section::routes;
    const YAML::Node& node = route ? static_cast<const YAML::Node&>(one) : one.first;
    found.last = static_cast<size_t>(node.Mark().line);
    const std::string its_name = route ? one["name"].Scalar() : one.first.Scalar();
    if (its_name == name) found.line = found.last;
  }
  return found;
}

// The section as it is to be; of nodes that were loaded nothing is changed, for an alias is the
// very node that it names.
YAML::Node wanted_routes(const YAML::Node& list, const std::string& name, const YAML::Node& entry) {
  YAML::Node routes(YAML::NodeType::Sequence);
  bool placed = entry.IsNull();
  for (const auto& one : list) {
    if (one["name"].Scalar() != name) {
      routes.push_back(one);
    } else if (!placed) {
      routes.push_back(entry);
      placed = true;
    }
  }
  if (!placed) routes.push_back(entry);
  return routes;
}

YAML::Node wanted_servers(const YAML::Node& map, const std::string& name, const YAML::Node& entry) {
  YAML::Node servers(YAML::NodeType::Map);
  bool placed = entry.IsNull();
  for (const auto& pair : map) {
    if (pair.first.Scalar() != name) {
      servers.force_insert(pair.first, pair.second);
    } else if (!placed) {
      servers.force_insert(pair.first, entry);
      placed = true;
    }
  }
  if (!placed) servers.force_insert(text_node(name), entry);
  return servers;
}

// The whole policy as it is to be, whatever it will look like.
YAML::Node wanted(const YAML::Node& root, Section section, const std::string& name,
                  const YAML::Node& entry) {
  const auto of = section == Section::routes ? wanted_routes : wanted_servers;
  YAML::Node fresh(YAML::NodeType::Map);
  bool there = false;
  for (const auto& pair : root) {
    const bool this_one = pair.first.Scalar() == key_of(section);
    fresh.force_insert(pair.first, this_one ? of(pair.second, name, entry) : pair.second);
    there |= this_one;
  }
  if (!there) {
    fresh.force_insert(std::string(key_of(section)), of(YAML::Node(), name, entry));
  }
  return fresh;
}

void emit(YAML::Emitter& out, const YAML::Node& node) {
  if (node.IsMap()) {
    out << YAML::BeginMap;
    for (const auto& pair : node) {
      out << YAML::Key << pair.first << YAML::Value;
      emit(out, pair.second);
    }
    out << YAML::EndMap;
  } else if (node.IsSequence()) {
    // Lists of scalars on one line, as people write them.
    bool plain = true;
    for (const auto& one : node) plain = plain && one.IsScalar();
    if (plain) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& one : node) emit(out, one);
    out << YAML::EndSeq;
  } else if (node.IsScalar() && node.Tag() == kQuoted) {
    out << YAML::DoubleQuoted << node.Scalar();
  } else {
    out << node;
  }
}

std::string emitted(const YAML::Node& node) {
  YAML::Emitter out;
  emit(out, node);
  return std::string(out.c_str()) + "\n";
}

Lines lines_of_entry(Section section, const std::string& name, const YAML::Node& entry,
                     size_t indent) {
  Lines lines;
  const bool route = section == Section::routes;
  if (!route) {
    const std::string key = emitted(text_node(name));
    lines.push_back(std::string(indent, ' ') + key.substr(0, key.size() - 1) + ":");
  }
  for (const std::string& line : lines_of(emitted(entry))) {
    const std::string before = route && lines.empty() ? "- " : "  ";
    lines.push_back(std::string(indent, ' ') + before + line);
  }
  return lines;
}

// Line by line; nothing where the layout does not let it.
std::optional<std::string> edited(const std::string& text, Section section, const std::string& name,
                                  const YAML::Node& entry) {
  const YAML::Node list = YAML::Load(text)[key_of(section)];
  Lines lines = lines_of(text);
  const Found found = find(list, section, name);
  if (found.last == kNowhere || found.last >= lines.size()) return std::nullopt;
  const size_t indent = indent_of(lines[found.last]);
  if (indent == kNowhere) return std::nullopt;
  size_t at = end_of(lines, found.last);
  if (found.line != kNowhere) {
    at = found.line;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at),
                lines.begin() + static_cast<std::ptrdiff_t>(end_of(lines, at)));
  }
  if (!entry.IsNull()) {
    const Lines fresh = lines_of_entry(section, name, entry, indent);
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), fresh.begin(), fresh.end());
  }
  return text_of(lines);
}

// What is not exactly the wanted policy, however its text was laid out, is none.
bool means(const std::string& text, const std::string& meaning) {
  try {
    return emitted(YAML::Load(text)) == meaning;
  } catch (const YAML::Exception&) {
    return false;
  }
}

std::string put(const std::string& text, Section section, const std::string& name,
                const YAML::Node& entry, Problems& problems) {
  std::string meaning = emitted(wanted(YAML::Load(text), section, name, entry));
  const auto by_lines = edited(text, section, name, entry);
  if (by_lines && means(*by_lines, meaning)) return *by_lines;
  problems.warning({}, "the policy's text was written anew: its comments are gone, if it had any",
                   "as it was before: damctl history");
  return meaning;
}

YAML::Node entry_of(const Json& keys, Section section, const std::string& name) {
  YAML::Node node(YAML::NodeType::Map);
  if (section == Section::routes) node.force_insert(std::string("name"), text_node(name));
  for (const auto& [key, value] : keys.items()) {
    const bool name_again = section == Section::routes && key == "name";
    if (!name_again) node.force_insert(text_node(key), node_of(value));
  }
  return node;
}

}  // namespace

const char* word_of(Section section) { return section == Section::routes ? "route" : "server"; }

std::string with_entry(const std::string& text, Section section, const std::string& name,
                       const Json& entry, Problems& problems) {
  return put(text, section, name, entry_of(entry, section, name), problems);
}

std::string without_entry(const std::string& text, Section section, const std::string& name,
                          Problems& problems) {
  const YAML::Node list = YAML::Load(text)[key_of(section)];
  if (find(list, section, name).line != kNowhere) {
    return put(text, section, name, YAML::Node(YAML::NodeType::Null), problems);
  }
  problems.error({}, std::string("no ") + word_of(section) + " is named \"" + name + "\"",
                 std::string("which there are: damctl ") + key_of(section));
  return text;
}

}  // namespace dam::control

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
const char* word_of(Section section) { return section == Section::routes ? "route" : "server"; }

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

// The whole policy as it is to be, whatever it will look like.
YAML::Node wanted(const std::string& text, Section section, const std::string& name,
                  const YAML::Node& entry) {
  YAML::Node root = YAML::Load(text);
  YAML::Node list = root[key_of(section)];
  if (section == Section::servers) {
    if (entry.IsNull()) {
      list.remove(name);
    } else {
      list[name] = entry;
    }
    return root;
  }
  YAML::Node routes(YAML::NodeType::Sequence);
  bool placed = false;
  for (const auto& one : list) {
    if (one["name"].Scalar() != name) {
      routes.push_back(one);
    } else if (!entry.IsNull()) {
      routes.push_back(entry);
      placed = true;
    }
  }
  if (!entry.IsNull() && !placed) routes.push_back(entry);
  root[key_of(section)] = routes;
  return root;
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
  if (!route) lines.push_back(std::string(indent, ' ') + name + ":");
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
                const YAML::Node& entry) {
  const std::string meaning = emitted(wanted(text, section, name, entry));
  const auto by_lines = edited(text, section, name, entry);
  return by_lines && means(*by_lines, meaning) ? *by_lines : meaning;
}

YAML::Node entry_of(const std::string& entry, Section section, const std::string& name) {
  const YAML::Node keys = YAML::Load(entry);
  YAML::Node node(YAML::NodeType::Map);
  if (section == Section::routes) node["name"] = name;
  for (const auto& pair : keys) node[pair.first] = pair.second;
  if (section == Section::routes) node["name"] = name;
  return node;
}

}  // namespace

std::string with_entry(const std::string& text, Section section, const std::string& name,
                       const std::string& entry, Problems& problems) {
  try {
    return put(text, section, name, entry_of(entry, section, name));
  } catch (const YAML::Exception& e) {
    problems.error({}, std::string("not YAML: ") + e.msg);
    return text;
  }
}

std::string without_entry(const std::string& text, Section section, const std::string& name,
                          Problems& problems) {
  try {
    const YAML::Node list = YAML::Load(text)[key_of(section)];
    if (find(list, section, name).line != kNowhere) {
      return put(text, section, name, YAML::Node(YAML::NodeType::Null));
    }
    problems.error({}, std::string("no ") + word_of(section) + " is named \"" + name + "\"",
                   std::string("which there are: damctl ") + key_of(section));
  } catch (const YAML::Exception& e) {
    problems.error({}, std::string("not YAML: ") + e.msg);
  }
  return text;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/zone_edit.h"

#include <yaml-cpp/yaml.h>

#include "controlplane/policy/options.h"

namespace dam::control {

namespace {

std::vector<std::string> editable_keys() {
  std::vector<std::string> keys;
  for (const auto& entry : zone_options()) {
    if (entry.key == "per_source" || entry.key == "total") {
      for (const auto& limit : bucket_options()) keys.push_back(entry.key + "." + limit.key);
    } else if (entry.key == "source_prefix") {
      for (const auto& family : source_prefix_options()) {
        keys.push_back(entry.key + "." + family.key);
      }
    } else {
      keys.push_back(entry.key);
    }
  }
  return keys;
}

// Reads `node` into the member that `key` names; false when there is none of that name.
template <class T>
bool read_option(Reader& reader, const Table<T>& table, const std::string& key,
                 const YAML::Node& node, T& into) {
  const Option<T>* entry = find_option(table, key);
  if (entry == nullptr) return false;
  entry->read(reader, node, into);
  return true;
}

bool read_key(Reader& reader, const std::string& key, const YAML::Node& node, Zone& zone) {
  const size_t dot = key.find('.');
  if (dot == std::string::npos) return read_option(reader, zone_options(), key, node, zone);
  const std::string outer = key.substr(0, dot);
  const std::string inner = key.substr(dot + 1);
  if (outer == "per_source") {
    return read_option(reader, bucket_options(), inner, node, zone.per_source);
  }
  if (outer == "total") return read_option(reader, bucket_options(), inner, node, zone.total);
  if (outer == "source_prefix") {
    return read_option(reader, source_prefix_options(), inner, node, zone.source_prefix);
  }
  return false;
}

void read_change(Zone& zone, const ZoneChange& change, Problems& found) {
  Reader reader(found);
  try {
    if (read_key(reader, change.key, YAML::Load(change.value), zone)) return;
    const std::string guess = did_you_mean(change.key, editable_keys());
    found.error(
        {}, "a zone has no such key",
        guess.empty() ? "keys are " + any_of(editable_keys()) : "did you mean \"" + guess + "\"?");
  } catch (const YAML::Exception& e) {
    found.error({}, "not YAML: " + e.msg);
  }
}

// Quotes only where YAML would read the bare text as something else.
std::string yaml_value(const std::string& value) {
  const bool plain = value.find_first_of(" :#{}[],&*!|>'\"%@`") == std::string::npos;
  return plain || value.starts_with('{') ? value : "\"" + value + "\"";
}

}  // namespace

void change_zone(Zone& zone, const ZoneChange& change, Problems& problems) {
  Problems found("");
  read_change(zone, change, found);
  for (Problem problem : found.sorted()) {
    problem.mark = {};
    problem.message = change.key + ": " + problem.message;
    problems.add(std::move(problem));
  }
}

std::string yaml_of_changes(const std::vector<ZoneChange>& changes) {
  std::string text = "zones:\n";
  std::string zone;
  std::string outer;
  for (const ZoneChange& change : changes) {
    if (change.zone != zone) text += "  " + change.zone + ":\n";
    if (change.zone != zone) outer.clear();
    zone = change.zone;
    const size_t dot = change.key.find('.');
    const bool nested = dot != std::string::npos;
    if (nested && change.key.substr(0, dot) != outer) {
      outer = change.key.substr(0, dot);
      text += "    " + outer + ":\n";
    }
    text += (nested ? "      " + change.key.substr(dot + 1) : "    " + change.key) + ": " +
            yaml_value(change.value) + "\n";
  }
  return text;
}

}  // namespace dam::control

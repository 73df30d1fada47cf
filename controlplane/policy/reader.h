// SPDX-License-Identifier: BSD-3-Clause
// Reads YAML nodes by kinds and option tables. One table per map of dam.yaml gives the keys that
// are read, the JSON schema and the reference text, so that the three cannot disagree.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/policy/model.h"
#include "controlplane/policy/problem.h"

namespace dam::control {

// Keys in the order of the tables, for people.
using Json = nlohmann::ordered_json;

// The place of a node, and how it was written.
Mark mark_of(const YAML::Node& node);
std::string found_text(const YAML::Node& node);  // "a list", "nothing", "\"abc\""
// A plain scalar that YAML reads as a number, boolean or null rather than as text.
bool is_typed_scalar(const YAML::Node& node);

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) {}
  Problems& problems() { return problems_; }
  void wrong(const YAML::Node& node, const std::string& expected, const std::string& hint = "");

  // False once a policy whose aliases multiply beyond reason has been refused.
  bool count_value(const YAML::Node& node);

 private:
  Problems& problems_;
  size_t values_ = 0;
};

// One way of writing a value: words for people, its schema, and its reader. The reader returns
// nothing after it has reported what is wrong.
template <class V>
struct Kind {
  std::string what;
  Json schema;
  std::function<std::optional<V>(Reader&, const YAML::Node&)> read;
};

// One key of a map that is read into a T.
template <class T>
struct Option {
  std::string key;
  bool required = false;
  Json schema;
  std::function<void(Reader&, const YAML::Node&, T&)> read;
};
template <class T>
using Table = std::vector<Option<T>>;

enum class Need { required, optional };

// `fallback`: the default in words, "" where there is none.
template <class T, class V>
Option<T> option(std::string key, Need need, const Kind<V>& kind, V T::*member,
                 const std::string& fallback, const std::string& help) {
  Json schema = {{"description", help}};
  if (!fallback.empty()) schema["default"] = fallback;
  for (const auto& [name, value] : kind.schema.items()) schema[name] = value;
  return {std::move(key), need == Need::required, schema,
          [kind, member](Reader& reader, const YAML::Node& node, T& into) {
            if (auto value = kind.read(reader, node)) into.*member = std::move(*value);
          }};
}

// A key that is another way of writing: its value goes where `store` puts it.
template <class T, class V>
Option<T> option_with(std::string key, const Kind<V>& kind, std::function<void(T&, V)> store,
                      const std::string& help) {
  Json schema = {{"description", help}};
  for (const auto& [name, value] : kind.schema.items()) schema[name] = value;
  return {std::move(key), false, schema,
          [kind, store = std::move(store)](Reader& reader, const YAML::Node& node, T& into) {
            if (auto value = kind.read(reader, node)) store(into, std::move(*value));
          }};
}

using Pairs = std::vector<std::pair<YAML::Node, YAML::Node>>;

// The pairs of a map, each key once; false, and reported, when the node is no map.
bool read_pairs(Reader& reader, const YAML::Node& node, const std::string& what, Pairs& pairs);
void report_unknown_key(Reader& reader, const YAML::Node& key,
                        const std::vector<std::string>& known);

template <class T>
std::vector<std::string> keys_of(const Table<T>& table) {
  std::vector<std::string> keys;
  for (const auto& entry : table) keys.push_back(entry.key);
  return keys;
}

template <class T>
const Option<T>* find_option(const Table<T>& table, const std::string& key) {
  for (const auto& entry : table) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// A misspelt key has been reported already, and is not missing as well.
template <class T>
bool is_present(const Table<T>& table, const std::string& key, const Pairs& pairs) {
  for (const auto& pair : pairs) {
    const std::string& written = pair.first.Scalar();
    if (written == key) return true;
    if (find_option(table, written) == nullptr && did_you_mean(written, keys_of(table)) == key) {
      return true;
    }
  }
  return false;
}

template <class T>
void report_missing_keys(Reader& reader, const YAML::Node& node, const Table<T>& table,
                         const Pairs& pairs) {
  for (const auto& entry : table) {
    if (entry.required && !is_present(table, entry.key, pairs)) {
      reader.problems().error(mark_of(node), "missing key \"" + entry.key + "\"");
    }
  }
}

template <class T>
Json schema_of(const Table<T>& table) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const auto& entry : table) {
    properties[entry.key] = entry.schema;
    if (entry.required) required.push_back(entry.key);
  }
  Json schema = {{"type", "object"}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  schema["properties"] = properties;
  return schema;
}

// A map with the keys of a table.
template <class T>
Kind<T> object(const std::string& what, const Table<T>& table) {
  return {what, schema_of(table),
          [what, table](Reader& reader, const YAML::Node& node) -> std::optional<T> {
            Pairs pairs;
            if (!read_pairs(reader, node, what, pairs)) return std::nullopt;
            T value{};
            if constexpr (requires { value.mark = Mark{}; }) value.mark = mark_of(node);
            const size_t errors = reader.problems().errors();
            for (const auto& [key, child] : pairs) {
              const Option<T>* entry = find_option(table, key.Scalar());
              if (entry == nullptr) {
                report_unknown_key(reader, key, keys_of(table));
              } else {
                entry->read(reader, child, value);
              }
            }
            report_missing_keys(reader, node, table, pairs);
            if constexpr (requires { value.broken; }) {
              value.broken = reader.problems().errors() > errors;
            }
            return value;
          }};
}

// Reports a list that is shorter or longer than allowed.
void check_length(Reader& reader, const YAML::Node& node, const std::string& what, size_t least,
                  size_t most);

bool is_name(const std::string& text);
extern const char* const kNamePattern;
void report_bad_name(Reader& reader, const YAML::Node& node);

// A map from names of the user's choice to values of one kind.
template <class V>
Kind<NamedList<V>> map_of(const std::string& what, const Kind<V>& kind, size_t most) {
  Json schema = {{"type", "object"},
                 {"maxProperties", most},
                 {"propertyNames", {{"pattern", kNamePattern}}},
                 {"additionalProperties", kind.schema}};
  return {
      what, schema,
      [what, kind, most](Reader& reader, const YAML::Node& node) -> std::optional<NamedList<V>> {
        Pairs pairs;
        if (!read_pairs(reader, node, what, pairs)) return std::nullopt;
        NamedList<V> result;
        if (pairs.size() > most) {
          reader.problems().error(mark_of(node),
                                  "more than " + std::to_string(most) + " entries in " + what);
        }
        for (const auto& [key, child] : pairs) {
          if (!is_name(key.Scalar())) report_bad_name(reader, key);
          auto value = kind.read(reader, child);
          // A broken value still counts as a name that others may refer to.
          if (!value) value.emplace().broken = true;
          result.push_back({key.Scalar(), mark_of(key), std::move(*value)});
        }
        return result;
      }};
}

// A list of maps.
template <class V>
Kind<std::vector<V>> rows_of(const std::string& what, const Kind<V>& kind, size_t least,
                             size_t most) {
  const Json schema = {
      {"type", "array"}, {"minItems", least}, {"maxItems", most}, {"items", kind.schema}};
  return {what, schema,
          [what, kind, least, most](Reader& reader,
                                    const YAML::Node& node) -> std::optional<std::vector<V>> {
            if (!node.IsSequence()) {
              reader.wrong(node, what, node.IsMap() ? "begin each entry with \"- \"" : "");
              return std::nullopt;
            }
            check_length(reader, node, what, least, most);
            std::vector<V> result;
            for (const auto& child : node) {
              if (auto value = kind.read(reader, child)) result.push_back(std::move(*value));
            }
            return result;
          }};
}

// A list of plain values; a single value is a list of one.
template <class V>
Kind<std::vector<V>> list_of(const std::string& what, const Kind<V>& kind, size_t least,
                             size_t most) {
  const Kind<std::vector<V>> rows = rows_of(what, kind, least, most);
  return {what, Json{{"anyOf", {kind.schema, rows.schema}}},
          [kind, rows](Reader& reader, const YAML::Node& node) -> std::optional<std::vector<V>> {
            if (node.IsSequence()) return rows.read(reader, node);
            auto value = kind.read(reader, node);
            if (!value) return std::nullopt;
            return std::vector<V>{std::move(*value)};
          }};
}

// Remembers where the value was written.
template <class V>
Kind<Located<V>> located(const Kind<V>& kind) {
  return {kind.what, kind.schema,
          [kind](Reader& reader, const YAML::Node& node) -> std::optional<Located<V>> {
            auto value = kind.read(reader, node);
            if (!value) return std::nullopt;
            return Located<V>{std::move(*value), mark_of(node)};
          }};
}

}  // namespace dam::control

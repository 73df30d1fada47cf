// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/json_schema.h"

#include <algorithm>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace dam::control {

namespace schema {

namespace {

Json described(Json schema, const std::string& text) {
  if (!text.empty()) schema["description"] = text;
  return schema;
}

}  // namespace

Json string(const std::string& text) { return described({{"type", "string"}}, text); }

Json matching(const std::string& pattern, const std::string& text) {
  return described({{"type", "string"}, {"pattern", pattern}}, text);
}

Json one_of(const std::vector<std::string>& values, const std::string& text) {
  return described({{"type", "string"}, {"enum", values}}, text);
}

Json integer(int64_t least, int64_t most, const std::string& text) {
  return described({{"type", "integer"}, {"minimum", least}, {"maximum", most}}, text);
}

Json count(const std::string& text) {
  return described({{"type", "integer"}, {"minimum", 0}}, text);
}

Json number(const std::string& text) { return described({{"type", "number"}}, text); }

Json boolean(const std::string& text) { return described({{"type", "boolean"}}, text); }

Json array(const Json& items, const std::string& text) {
  return described({{"type", "array"}, {"items", items}}, text);
}

Json map_of(const Json& values, const std::string& text) {
  return described({{"type", "object"}, {"additionalProperties", values}}, text);
}

Json any(const std::string& text) { return described(Json::object(), text); }

Json object(const Fields& fields, const std::string& text) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const auto& [name, schema] : fields) {
    const bool optional = name.ends_with('?');
    const std::string plain = optional ? name.substr(0, name.size() - 1) : name;
    properties[plain] = schema;
    if (!optional) required.push_back(plain);
  }
  Json result = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) result["required"] = required;
  return described(result, text);
}

Json text_answer(const std::string& media_type, const std::string& text) {
  return {{"text", media_type}, {"description", text}};
}

}  // namespace schema

namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

using Steps = std::vector<std::string>;

// "<root>", "[per_source]", "[3]" → "per_source", "3"
Steps steps_of(const std::vector<std::string>& context) {
  Steps steps;
  for (const std::string& step : context) {
    if (step.size() > 2 && step.front() == '[') steps.push_back(step.substr(1, step.size() - 2));
  }
  return steps;
}

bool is_index(const std::string& step) {
  return std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string place_of(const Steps& steps) {
  std::string place;
  for (const std::string& step : steps) {
    if (is_index(step)) {
      place += "[" + step + "]";
    } else {
      place += (place.empty() ? "" : ".") + step;
    }
  }
  return place;
}

// The schema of a place, where its way leads through fields and elements alone.
const Json* schema_at(const Json& schema, const Steps& steps) {
  const Json* at = &schema;
  for (const std::string& step : steps) {
    if (at->contains("properties") && (*at)["properties"].contains(step)) {
      at = &(*at)["properties"][step];
    } else if (at->contains("items")) {
      at = &(*at)["items"];
    } else {
      return nullptr;
    }
  }
  return at;
}

const Json* value_at(const Json& value, const Steps& steps) {
  const Json* at = &value;
  for (const std::string& step : steps) {
    if (at->is_object() && at->contains(step)) {
      at = &(*at)[step];
    } else if (at->is_array() && is_index(step) && std::stoul(step) < at->size()) {
      at = &(*at)[std::stoul(step)];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string known_fields(const Json& schema) {
  const Json properties = schema.value("properties", Json::object());
  std::string names;
  for (const auto& [name, unused] : properties.items()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

std::string what_it_should_be(const Json& schema) {
  if (schema.contains("enum")) {
    std::string values;
    for (const Json& one : schema["enum"]) {
      values += (values.empty() ? "" : ", ") + one.get<std::string>();
    }
    return "one of " + values;
  }
  std::string text = schema.value("type", "something else");
  if (schema.contains("minimum")) text += " from " + schema["minimum"].dump();
  if (schema.contains("maximum")) text += " to " + schema["maximum"].dump();
  if (schema.contains("pattern")) text += " like " + schema["pattern"].get<std::string>();
  return text;
}

void add_missing_and_unknown(const Json& schema, const Json& value, const std::string& place,
                             std::vector<Problem>& problems) {
  const std::string before = place.empty() ? "" : place + ".";
  const Json properties = schema.value("properties", Json::object());
  for (const Json& name : schema.value("required", Json::array())) {
    if (value.contains(name.get<std::string>())) continue;
    problems.push_back({Severity::error,
                        "",
                        {},
                        before + name.get<std::string>() + " is missing",
                        properties[name.get<std::string>()].value("description", "")});
  }
  if (schema.value("additionalProperties", Json()) != Json(false)) return;
  for (const auto& [name, unused] : value.items()) {
    if (properties.contains(name)) continue;
    const std::string known = known_fields(schema);
    problems.push_back({Severity::error,
                        "",
                        {},
                        before + name.substr(0, 100) + " is not known",
                        known.empty() ? "nothing may stand there" : "known are: " + known});
  }
}

// Nothing for an object or a list that is wrong only for what lies in it: that has its own place.
void add_problems_of(const Json& schema, const Json& value, const std::string& place,
                     std::vector<Problem>& problems) {
  const std::string type = schema.value("type", "");
  if (type == "object" && value.is_object()) {
    return add_missing_and_unknown(schema, value, place, problems);
  }
  if (type == "array" && value.is_array()) return;
  problems.push_back({Severity::error,
                      "",
                      {},
                      (place.empty() ? "this" : place) + " is not " + what_it_should_be(schema),
                      schema.value("description", "")});
}

}  // namespace

std::vector<Problem> mismatches(const Json& schema, const Json& value) {
  const nlohmann::json plain_schema = schema;
  const nlohmann::json plain_value = value;
  valijson::Schema parsed;
  valijson::SchemaParser().populateSchema(Adapter(plain_schema), parsed);
  valijson::ValidationResults results;
  std::vector<Problem> problems;
  if (valijson::Validator().validate(parsed, Adapter(plain_value), &results)) return problems;
  std::set<Steps> seen;
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    const Steps steps = steps_of(error.context);
    const Json* expected = schema_at(schema, steps);
    const Json* found = value_at(value, steps);
    if (expected == nullptr || found == nullptr || !seen.insert(steps).second) continue;
    add_problems_of(*expected, *found, place_of(steps), problems);
  }
  if (problems.empty()) {
    problems.push_back({Severity::error, "", {}, "this does not match its schema", ""});
  }
  return problems;
}

std::vector<Problem> read_json(const std::string& text, int most_levels, Json& value) {
  bool too_deep = false;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > most_levels;
    return !too_deep;
  };
  try {
    value = Json::parse(text, bounded);
  } catch (const Json::exception& error) {
    return {{Severity::error, "", {}, std::string("the body is no JSON: ") + error.what(), ""}};
  }
  if (!too_deep) return {};
  return {{Severity::error,
           "",
           {},
           "the body has more than " + std::to_string(most_levels) + " levels",
           "nothing that the API knows is that deep"}};
}

}  // namespace dam::control

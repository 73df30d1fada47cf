// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/schema.h"

#include "controlplane/policy/options.h"

namespace dam::control {

Json policy_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "dam.yaml: the policy of Traffic Dam"}};
  const Json body = schema_of(policy_options());
  for (const auto& [key, value] : body.items()) schema[key] = value;
  return schema;
}

namespace {

// The schema of one entry, where `schema` is a list, a map by names, or a choice of these.
const Json* entry_object(const Json& schema, std::string& path) {
  if (schema.contains("properties")) return &schema;
  if (schema.contains("items")) {
    path += "[]";
    return entry_object(schema["items"], path);
  }
  if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object()) {
    path += ".NAME";
    return entry_object(schema["additionalProperties"], path);
  }
  if (!schema.contains("anyOf")) return nullptr;
  // The list among the choices comes last.
  for (auto choice = schema["anyOf"].rbegin(); choice != schema["anyOf"].rend(); ++choice) {
    std::string inner = path;
    if (const Json* found = entry_object(*choice, inner)) {
      path = inner;
      return found;
    }
  }
  return nullptr;
}

// "", or " One of a, b, c.": the words that the value, or each entry of a list, is chosen from.
std::string choices_of(const Json& schema) {
  const Json& kind = schema.contains("anyOf") ? schema["anyOf"][0] : schema;
  if (!kind.contains("enum") || schema.value("description", "").find(": ") != std::string::npos) {
    return "";
  }
  std::string result;
  for (const auto& word : kind["enum"]) {
    result += (result.empty() ? "; one of `" : "`, `") + word.get<std::string>();
  }
  return result + "`";
}

void describe(const Json& object, const std::string& prefix, std::string& out) {
  const Json required = object.value("required", Json::array());
  for (const auto& [key, schema] : object["properties"].items()) {
    std::string path = prefix + key;
    const bool needed = std::find(required.begin(), required.end(), key) != required.end();
    const std::string otherwise = needed ? "**required**" : schema.value("default", "");
    for (const std::string& piece :
         {std::string("| `"), path, std::string("` | "), otherwise, std::string(" | "),
          schema.value("description", ""), choices_of(schema), std::string(" |\n")}) {
      out += piece;
    }
    if (const Json* inner = entry_object(schema, path)) describe(*inner, path + ".", out);
  }
}

}  // namespace

std::string policy_reference() {
  std::string out = "| key | default | meaning |\n| --- | --- | --- |\n";
  describe(schema_of(policy_options()), "", out);
  return out;
}

}  // namespace dam::control

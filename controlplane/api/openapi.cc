// SPDX-License-Identifier: BSD-3-Clause
// OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0) of a list of endpoints.
#include <algorithm>
#include <cctype>

#include "controlplane/api/endpoint.h"

namespace dam::control {

namespace {

Json error_schema() {
  using namespace schema;
  const Json problem = object({{"file?", string("the file that is meant")},
                               {"line?", count()},
                               {"column?", count()},
                               {"message", string("what is wrong")},
                               {"hint?", string("what would be right, or what to do next")}});
  return object({{"errors", array(problem)}, {"warnings", array(problem)}});
}

Json content(const std::string& media_type, const Json& schema) {
  return {{media_type, {{"schema", schema}}}};
}

Json reference(const std::string& to) { return {{"$ref", "#/components/" + to}}; }

Json answer_json(const Json& schema) {
  Json result = {{"description", schema.value("description", "as the schema says")}};
  if (schema.contains("text")) {
    result["content"] = content(schema["text"], {{"type", "string"}});
  } else {
    result["content"] = content("application/json", schema);
  }
  return result;
}

const std::pair<int, const char*> kEveryAnswer[] = {
    {400, "the request does not match what is written here"},
    {401, "it needs a client certificate or a token"},
    {403, "the role of whoever asks is not enough"},
    {404, "there is nothing of that name"},
    {405, "the path does not take this method"},
    {413, "the body is too large"},
    {414, "the path is too long"},
    {415, "the body is packed"},
    {429, "too many requests: Retry-After says when again"},
    {500, "an error inside the control plane"}};

Json answers_of(const Endpoint& endpoint) {
  Json answers = Json::object();
  for (const auto& [status, schema] : endpoint.answers) {
    answers[std::to_string(status)] = answer_json(schema);
  }
  for (const auto& [status, unused] : kEveryAnswer) {
    const std::string name = std::to_string(status);
    if (!answers.contains(name)) answers[name] = reference("responses/" + name);
  }
  return answers;
}

Json parameters_of(const Endpoint& endpoint) {
  Json list = Json::array();
  const auto add = [&list](const Parameter& one, const char* in, bool required) {
    list.push_back({{"name", one.name},
                    {"in", in},
                    {"required", required},
                    {"description", one.schema.value("description", "")},
                    {"schema", one.schema}});
  };
  for (const Parameter& one : endpoint.path_parameters) add(one, "path", true);
  for (const Parameter& one : endpoint.query) add(one, "query", one.required);
  return list;
}

// "PATCH /v1/zones/{name}" → "patch_zones_name"
std::string operation_id(const Endpoint& endpoint) {
  std::string id = endpoint.method + endpoint.path.substr(endpoint.path.starts_with("/v1") ? 3 : 0);
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::tolower(c)) : '_';
  });
  std::string plain;
  for (const char c : id) {
    if (c != '_' || (!plain.empty() && plain.back() != '_')) plain += c;
  }
  while (plain.ends_with('_')) plain.pop_back();
  return plain;
}

Json operation_of(const Endpoint& endpoint) {
  Json operation = {{"operationId", operation_id(endpoint)},
                    {"summary", endpoint.summary},
                    {"x-role", role_text(endpoint.role)}};
  if (endpoint.role == Role::anyone) operation["security"] = Json::array();
  const Json parameters = parameters_of(endpoint);
  if (!parameters.empty()) operation["parameters"] = parameters;
  if (endpoint.body.kind != Body::Kind::none) {
    const bool json = endpoint.body.kind == Body::Kind::json;
    operation["requestBody"] = {
        {"required", true},
        {"description", endpoint.body.text},
        {"content", json ? content("application/json", endpoint.body.schema)
                         : content(endpoint.body.accept, {{"type", "string"}})}};
  }
  operation["responses"] = answers_of(endpoint);
  return operation;
}

Json components() {
  Json responses = Json::object();
  for (const auto& [status, text] : kEveryAnswer) {
    responses[std::to_string(status)] = {
        {"description", text},
        {"content", content("application/json", reference("schemas/error"))}};
  }
  return {{"schemas", {{"error", error_schema()}}},
          {"responses", responses},
          {"securitySchemes",
           {{"certificate", {{"type", "mutualTLS"}}},
            {"token", {{"type", "http"}, {"scheme", "bearer"}}}}}};
}

}  // namespace

Json openapi_document(const Endpoints& endpoints) {
  Json paths = Json::object();
  for (const Endpoint& endpoint : endpoints) {
    std::string method = endpoint.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths[endpoint.path][method] = operation_of(endpoint);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Traffic Dam"},
            {"version", "1"},
            {"summary",
             "Steers and shows the dam. On the Unix socket everybody who may open it is "
             "admin; over HTTPS the role (x-role) counts."},
            {"license", {{"name", "BSD-3-Clause"}, {"identifier", "BSD-3-Clause"}}}}},
          {"security", {{{"certificate", Json::array()}}, {{"token", Json::array()}}}},
          {"paths", paths},
          {"components", components()}};
}

}  // namespace dam::control

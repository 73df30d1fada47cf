// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/api_document.h"

#include <algorithm>
#include <regex>

namespace dam::control {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string texts_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.message + "; ";
  return text;
}

}  // namespace

Json ApiDocument::resolved(const Json& node) const {
  if (!node.is_object() || !node.contains("$ref")) return node;
  const Json::json_pointer where(node["$ref"].get<std::string>().substr(1));
  return document_.contains(where) ? resolved(document_[where]) : Json();
}

const Json* ApiDocument::path_item(const std::string& path) const {
  const std::string plain = path.substr(0, path.find('?'));
  for (const auto& [templated, item] : document_["paths"].items()) {
    const std::string pattern = std::regex_replace(templated, std::regex(R"(\{[^}]*\})"), "(.+)");
    if (std::regex_match(plain, std::regex(pattern))) return &item;
  }
  return nullptr;
}

std::string ApiDocument::objection(const httplib::Request& request,
                                   const httplib::Response& response) const {
  const std::string what =
      request.method + " " + request.path + " → " + std::to_string(response.status) + ": ";
  const std::string media_type =
      response.get_header_value("Content-Type")
          .substr(0, response.get_header_value("Content-Type").find(';'));
  const std::string status = std::to_string(response.status);
  Json answers = document_["components"]["responses"];
  const Json* item = path_item(request.path);
  if (item != nullptr && item->contains(lower(request.method))) {
    answers = (*item)[lower(request.method)]["responses"];
  }
  if (!answers.contains(status)) return what + "the document has no such status";
  const Json content = resolved(answers[status])["content"];
  if (!content.contains(media_type)) return what + media_type + " is not in the document";
  if (media_type != "application/json") return "";
  const Json body = Json::parse(response.body, nullptr, false);
  const auto problems = mismatches(resolved(content[media_type]["schema"]), body);
  return problems.empty() ? "" : what + texts_of(problems);
}

}  // namespace dam::control

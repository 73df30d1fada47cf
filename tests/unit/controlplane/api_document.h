// SPDX-License-Identifier: BSD-3-Clause
// The served OpenAPI document as a judge: does an answer match what it says of it?
#pragma once

#include <httplib.h>

#include <string>

#include "controlplane/api/json_schema.h"

namespace dam::control {

class ApiDocument {
 public:
  explicit ApiDocument(Json document) : document_(std::move(document)) {}

  // "" or what the answer has that the document does not know. Of paths that the document does not
  // have only the form of the error is judged.
  std::string objection(const httplib::Request& request, const httplib::Response& response) const;
  const Json& json() const { return document_; }
  // Follows a {"$ref": "#/…"}; null where it leads nowhere.
  Json resolved(const Json& node) const;

 private:
  const Json* path_item(const std::string& path) const;

  Json document_;
};

}  // namespace dam::control

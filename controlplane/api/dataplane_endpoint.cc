// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/dataplane_endpoint.h"

#include <utility>

#include "controlplane/api/problem_json.h"

namespace dam::control {

Endpoint dataplane_endpoint(const char* method, const char* path, Role role, const char* summary,
                            Json schema) {
  Endpoint endpoint;
  endpoint.method = method;
  endpoint.path = path;
  endpoint.role = role;
  endpoint.summary = summary;
  endpoint.answers = {{200, std::move(schema)},
                      {503, schema::any("the dataplane does not answer")}};
  return endpoint;
}

void not_reached(const std::string& why, httplib::Response& response) {
  answer(response, 503, error_body("the dataplane does not say: " + why, "damctl status"));
}

}  // namespace dam::control

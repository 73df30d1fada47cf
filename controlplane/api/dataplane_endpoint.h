// SPDX-License-Identifier: BSD-3-Clause
// Endpoints that ask the dataplane.
#pragma once

#include "controlplane/api/endpoint.h"

namespace dam::control {

// 200 as `schema` says, 503 where the dataplane does not answer.
Endpoint dataplane_endpoint(const char* method, const char* path, Role role, const char* summary,
                            Json schema);
// Answers that 503.
void not_reached(const std::string& why, httplib::Response& response);

}  // namespace dam::control

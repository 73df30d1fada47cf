// SPDX-License-Identifier: BSD-3-Clause
// The API is one list of endpoints. From it come the routing, the check of queries and bodies, the
// role that a request needs, and the OpenAPI document: what is not in the list cannot be asked for.
#pragma once

#include <httplib.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controlplane/api/json_schema.h"
#include "controlplane/trust/role.h"

namespace dam::control {

struct Parameter {
  std::string name;
  Json schema;  // of the value; its description is the text for people
  bool required = false;
};

struct Body {
  enum class Kind { none, json, text };
  Kind kind = Kind::none;
  Json schema;         // of JSON
  std::string accept;  // of text: its media type
  std::string text;    // what it is, for people
};

// A request that has passed every check of its endpoint.
struct Call {
  const httplib::Request& request;
  Caller caller;
  Json parameters;  // of path and query, by name; absent ones are absent
  Json body;        // of Kind::json

  template <class T>
  T parameter(const char* name, T otherwise) const {
    return parameters.value(name, std::move(otherwise));
  }
};

struct Endpoint {
  std::string method;  // "GET", "POST", "PATCH", "PUT", "DELETE"
  std::string path;    // "/v1/zones/{name}"; the last of its parameters may hold slashes
  Role role = Role::admin;
  std::string summary;
  std::vector<Parameter> path_parameters;
  std::vector<Parameter> query;
  Body body;
  // Status → schema of the JSON answer; a text answer has its media type under "text" instead.
  // What every request may get (400, 401, 403, 404, 405, 413, 414, 415, 429, 500) needs no mention.
  std::map<int, Json> answers;
  std::function<void(const Call&, httplib::Response&)> handle;
};

using Endpoints = std::vector<Endpoint>;

// Who sends a request; a name that is empty is nobody known, who may do what anyone may.
using Identify = std::function<Caller(const httplib::Request&)>;

// Hears of requests that were refused for who sent them: 401, 403, 429.
using Refused = std::function<void(const httplib::Request&, const Caller&, int status)>;

// Makes the server answer the endpoints, and everything else with an error in the same form. Who
// may not ask is refused before the body is read.
void serve(httplib::Server& server, Endpoints endpoints, Identify identify, Refused refused = {});

// OpenAPI 3.1.
Json openapi_document(const Endpoints& endpoints);

void answer(httplib::Response& response, int status, const Json& body);

}  // namespace dam::control

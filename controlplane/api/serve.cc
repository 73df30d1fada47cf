// SPDX-License-Identifier: BSD-3-Clause
// From a request to its endpoint: found, allowed, checked, handled.
#include <algorithm>
#include <charconv>
#include <memory>
#include <regex>

#include "controlplane/api/endpoint.h"
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr size_t kMostPathBytes = 1024;
constexpr int kMostLevels = 4;  // {"exceeded": {"ban": {"after": 5}}}

// "/v1/zones/{name}" → "/v1/zones/(.+)"; of several parameters only the last may hold slashes.
std::string pattern_of(const Endpoint& endpoint) {
  std::string pattern;
  size_t left = endpoint.path_parameters.size();
  for (size_t i = 0; i < endpoint.path.size(); ++i) {
    const char c = endpoint.path[i];
    if (c == '{') {
      pattern += --left == 0 ? "(.+)" : "([^/]+)";
      i = endpoint.path.find('}', i);
    } else {
      pattern += c == '.' ? "\\." : std::string(1, c);
    }
  }
  return pattern;
}

// As its schema means it: "7" is a number where one is asked for. What cannot be read as that
// stays text, which the schema refuses.
Json typed(const std::string& text, const Json& schema) {
  const std::string type = schema.value("type", "string");
  if (type == "boolean") {
    if (text == "1" || text == "true" || text.empty()) return true;
    if (text == "0" || text == "false") return false;
  }
  if (type == "integer") {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
  }
  return text;
}

Json schema_of(const std::vector<Parameter>& parameters) {
  schema::Fields fields;
  for (const Parameter& one : parameters) {
    fields.emplace_back(one.name + (one.required ? "" : "?"), one.schema);
  }
  return schema::object(fields);
}

const Parameter* find(const std::vector<Parameter>& parameters, const std::string& name) {
  for (const Parameter& one : parameters) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

std::vector<Problem> read_path(const Endpoint& endpoint, Call& call) {
  Json values = Json::object();
  for (size_t i = 0; i < endpoint.path_parameters.size(); ++i) {
    const Parameter& one = endpoint.path_parameters[i];
    values[one.name] = typed(call.request.matches[static_cast<int>(i) + 1], one.schema);
  }
  call.parameters.update(values);
  return mismatches(schema_of(endpoint.path_parameters), values);
}

std::vector<Problem> read_query(const Endpoint& endpoint, Call& call) {
  Json values = Json::object();
  for (const auto& [name, text] : call.request.params) {
    const Parameter* known = find(endpoint.query, name);
    values[name] = known != nullptr ? typed(text, known->schema) : Json(text);
  }
  call.parameters.update(values);
  return mismatches(schema_of(endpoint.query), values);
}

std::vector<Problem> read_body(const Endpoint& endpoint, Call& call) {
  const std::string& text = call.request.body;
  if (endpoint.body.kind == Body::Kind::text) return {};
  if (endpoint.body.kind == Body::Kind::none) {
    if (text.empty()) return {};
    return {{Severity::error, "", {}, "a body is not taken here", "send it without"}};
  }
  std::vector<Problem> problems = read_json(text, kMostLevels, call.body);
  if (problems.empty()) problems = mismatches(endpoint.body.schema, call.body);
  return problems;
}

// Of the request that this thread serves.
thread_local Caller who;

int refusal_status(const Caller& caller, Role needed) {
  if (caller.retry_after_s > 0) return 429;
  if (may(caller.role, needed)) return 0;
  return caller.name.empty() ? 401 : 403;
}

void refuse_caller(const Caller& caller, Role needed, int status, httplib::Response& response) {
  if (status == 429) {
    response.set_header("Retry-After", std::to_string(caller.retry_after_s));
    return answer(
        response, status,
        error_body("too many requests of " + (caller.name.empty() ? caller.address : caller.name),
                   "again in " + std::to_string(caller.retry_after_s) + " s"));
  }
  if (status == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (!caller.refusal.empty()) return answer(response, status, error_body(caller.refusal, ""));
  if (status == 401) {
    return answer(response, status,
                  error_body("this needs to know who you are",
                             "a client certificate, or a token in \"Authorization: Bearer …\": an "
                             "admin makes them with damctl enroll and damctl token add"));
  }
  answer(response, status,
         error_body(
             caller.name + " is " + role_text(caller.role) + "; this needs " + role_text(needed),
             "ask an admin"));
}

void handle(const Endpoint& endpoint, const httplib::Request& request,
            httplib::Response& response) {
  // Seen by refuse_early() already, which finds endpoints as the server does: it is cheap.
  const int status = refusal_status(who, endpoint.role);
  if (status != 0) return refuse_caller(who, endpoint.role, status, response);
  Call call{request, who, Json::object(), Json()};
  std::vector<Problem> problems = read_path(endpoint, call);
  for (auto* read : {&read_query, &read_body}) {
    const std::vector<Problem> more = read(endpoint, call);
    problems.insert(problems.end(), more.begin(), more.end());
  }
  if (!problems.empty()) return answer(response, 400, problems_to_json(problems));
  endpoint.handle(call, response);
}

struct ServedEndpoint {
  Endpoint endpoint;
  std::regex pattern;
};
using Table = std::vector<ServedEndpoint>;

// The first that matches, as the server itself does it. A HEAD is a GET whose answer is cut off.
const Endpoint* find(const Table& table, const httplib::Request& request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const ServedEndpoint& one : table) {
    if (one.endpoint.method == method && std::regex_match(request.path, one.pattern)) {
      return &one.endpoint;
    }
  }
  return nullptr;
}

// Before the body is read: what strangers send is not even looked at.
bool refuse_early(const Table& table, const Refused& refused, const httplib::Request& request,
                  httplib::Response& response) {
  if (request.path.size() > kMostPathBytes) {
    answer(response, 414,
           error_body("the path has more than " + std::to_string(kMostPathBytes) + " bytes",
                      "GET /v1/openapi.json lists what there is"));
    return true;
  }
  const Endpoint* endpoint = find(table, request);
  const Role needed = endpoint != nullptr ? endpoint->role : Role::viewer;
  const int status = refusal_status(who, needed);
  if (status != 0) {
    refuse_caller(who, needed, status, response);
    if (refused) refused(request, who, status);
    return true;
  }
  // A few bytes that unpack to gigabytes would pass the bound of bodies.
  if (!request.has_header("Content-Encoding")) return false;
  answer(response, 415, error_body("the body is packed (Content-Encoding)", "send it as it is"));
  return true;
}

// A known path that does not know the method says which it knows.
void answer_unknown(const Table& table, const httplib::Request& request,
                    httplib::Response& response) {
  std::string methods;
  for (const ServedEndpoint& one : table) {
    if (!std::regex_match(request.path, one.pattern)) continue;
    methods += (methods.empty() ? "" : ", ") + one.endpoint.method;
  }
  if (methods.empty()) {
    return answer(response, 404,
                  error_body("there is no " + request.path.substr(0, 200),
                             "GET /v1/openapi.json lists what there is"));
  }
  response.set_header("Allow", methods);
  answer(response, 405,
         error_body(request.path.substr(0, 200) + " does not take " + request.method,
                    "it takes " + methods));
}

// Whatever goes wrong outside of the handlers is said in the same form.
void answer_error(const Table& table, const httplib::Request& request,
                  httplib::Response& response) {
  if (!response.body.empty()) return;
  if (response.status == 404) return answer_unknown(table, request, response);
  const bool large = response.status == 413;
  answer(response, response.status,
         error_body(large ? "the body is too large" : "this is no request that can be served",
                    large ? "at most 8 MiB; long lists belong into files that the policy names"
                          : "GET /v1/openapi.json lists what there is"));
}

void add(httplib::Server& server, const Endpoint& endpoint,
         const httplib::Server::Handler& handler) {
  const std::string pattern = pattern_of(endpoint);
  if (endpoint.method == "GET") server.Get(pattern, handler);
  if (endpoint.method == "POST") server.Post(pattern, handler);
  if (endpoint.method == "PATCH") server.Patch(pattern, handler);
  if (endpoint.method == "PUT") server.Put(pattern, handler);
  if (endpoint.method == "DELETE") server.Delete(pattern, handler);
}

}  // namespace

void serve(httplib::Server& server, Endpoints endpoints, Identify identify, Refused refused) {
  const auto table = std::make_shared<Table>();
  for (Endpoint& endpoint : endpoints) {
    const std::string pattern = pattern_of(endpoint);
    table->push_back({std::move(endpoint), std::regex(pattern)});
  }
  for (const ServedEndpoint& known : *table) {
    add(server, known.endpoint,
        [table, &known](const httplib::Request& request, httplib::Response& response) {
          handle(known.endpoint, request, response);
        });
  }
  server.set_pre_routing_handler(
      [table, identify = std::move(identify), refused = std::move(refused)](
          const httplib::Request& request, httplib::Response& response) {
        who = identify(request);
        return refuse_early(*table, refused, request, response)
                   ? httplib::Server::HandlerResponse::Handled
                   : httplib::Server::HandlerResponse::Unhandled;
      });
  server.set_error_handler([table](const httplib::Request& request, httplib::Response& response) {
    answer_error(*table, request, response);
  });
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                  const std::exception_ptr&) {
    answer(response, 500, error_body("an error inside the control plane", "its log may say more"));
  });
}

void answer(httplib::Response& response, int status, const Json& body) {
  response.status = status;
  // Bytes that are no UTF-8 may come back in a message that quotes them.
  response.set_content(body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                       "application/json");
}

}  // namespace dam::control

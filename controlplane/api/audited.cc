// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/audited.h"

#include <ctime>

#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr size_t kMostBodyShown = 160;

// "Change … of one zone: {"mode":"shadow"}"
std::string what_is_asked(const Endpoint& endpoint, const Call& call) {
  std::string text = endpoint.summary;
  if (call.body.is_null()) return text;
  std::string body = call.body.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (body.size() > kMostBodyShown) body = body.substr(0, kMostBodyShown) + "...";
  return text + ": " + body;
}

std::string how_it_ended(const httplib::Response& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_object()) return "";
  if (response.status >= 400) {
    const auto problems = problems_from_json(body);
    return problems.empty() ? "; refused" : "; refused: " + problems.front().message;
  }
  const auto version = body.find("version");
  const bool made = version != body.end() && version->is_number_integer() && *version > 0;
  return made ? "; version " + std::to_string(version->get<int64_t>()) : "";
}

std::string target_of(const httplib::Request& request) {
  return request.target.empty() ? request.path : request.target;
}

void handle_audited(const Endpoint& endpoint, AuditStore& audit, const Call& call,
                    httplib::Response& response) {
  const std::string what = what_is_asked(endpoint, call);
  int64_t number = 0;
  try {
    number = audit.begin({0, static_cast<int64_t>(std::time(nullptr)), call.caller, endpoint.method,
                          target_of(call.request), 0, what});
  } catch (const std::exception& error) {
    return answer(response, 507,
                  error_body(std::string("nothing was changed: the audit log cannot be written: ") +
                                 error.what(),
                             "make room on the disk: df -h"));
  }
  const auto finish = [&](int status, const std::string& text) {
    try {
      audit.finish(number, status, text);
    } catch (const std::exception&) {
      return;  // what was begun is there, and says that its end is not
    }
  };
  try {
    endpoint.handle(call, response);
  } catch (...) {
    finish(500, what + "; an error inside the control plane");
    throw;
  }
  const int status = response.status > 0 ? response.status : 200;
  finish(status, what + how_it_ended(response));
}

}  // namespace

Endpoints audited(Endpoints endpoints, AuditStore& audit) {
  for (Endpoint& endpoint : endpoints) {
    if (endpoint.method == "GET") continue;
    endpoint.answers[507] = schema::any("it could not be saved, and was not done");
    const Endpoint inner = endpoint;
    endpoint.handle = [inner, &audit](const Call& call, httplib::Response& response) {
      // A dry run changes nothing.
      if (call.parameter("dry_run", false)) return inner.handle(call, response);
      handle_audited(inner, audit, call, response);
    };
  }
  return endpoints;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A browser logs in: the token once, as every request may show it, then the cookie of a session.
#include <ctime>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/trust/secret.h"

namespace dam::control {

namespace {

// Sent to this host alone, over TLS alone, not to scripts, not from other sites' pages.
std::string cookie(const std::string& id, int64_t lasts_s) {
  return std::string(kSessionCookie) + "=" + id + "; Path=/; Max-Age=" + std::to_string(lasts_s) +
         "; HttpOnly; Secure; SameSite=Strict";
}

void begin(Trust& trust, const Call& call, httplib::Response& response) {
  const std::string token = bearer_token_of(call.request);
  if (token.empty()) {
    return answer(response, 409,
                  error_body("a session stands in for a token, and this request shows none",
                             "a certificate, a session or the Unix socket needs no other"));
  }
  const auto now = static_cast<int64_t>(std::time(nullptr));
  const std::string id = trust.sessions.begin(sha256_hex(token), now);
  response.set_header("Set-Cookie", cookie(id, Sessions::kLasts_s));
  response.set_header("Cache-Control", "no-store");
  answer(response, 201,
         {{"name", call.caller.name},
          {"role", role_text(call.caller.role)},
          {"ends_at", now + Sessions::kLasts_s}});
}

void end(Trust& trust, const Call& call, httplib::Response& response) {
  const bool ended = trust.sessions.end(session_id_of(call.request));
  response.set_header("Set-Cookie", cookie("", 0));
  answer(response, 200, {{"ended", ended}});
}

Endpoint made(const char* method, const char* summary, std::map<int, Json> answers) {
  Endpoint endpoint;
  endpoint.method = method;
  endpoint.path = "/v1/session";
  endpoint.role = Role::viewer;
  endpoint.summary = summary;
  endpoint.answers = std::move(answers);
  return endpoint;
}

}  // namespace

Endpoints session_endpoints(Trust& trust) {
  using namespace schema;
  const Json begun = object({{"name", string("whose token it is")},
                             {"role", one_of({"viewer", "operator", "admin"})},
                             {"ends_at", integer(0, INT64_MAX, "Unix time, s")}},
                            "the cookie of the session is in Set-Cookie");
  Endpoint post = made("POST", "Begin a browser's session with the token that this request shows",
                       {{201, begun}, {409, any("the request shows no token")}});
  post.handle = [&trust](const Call& call, httplib::Response& response) {
    begin(trust, call, response);
  };
  Endpoint remove = made("DELETE", "End the session of this request's cookie",
                         {{200, object({{"ended", boolean("false: it has none")}})}});
  remove.handle = [&trust](const Call& call, httplib::Response& response) {
    end(trust, call, response);
  };
  return {post, remove};
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Who may steer, and who did.
#include <algorithm>
#include <ctime>

#include "controlplane/api/bounded_server.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

using Added = AccessStore::Added;
using Handle = void (*)(Trust&, const Call&, httplib::Response&);

constexpr int64_t kMostDays = 3650;

Json when(const std::string& text) {
  return schema::integer(0, INT64_MAX, text + ", Unix time, s");
}

Json name_schema() {
  return schema::matching("^[A-Za-z0-9._@-]{1,63}$",
                          "of a person or a machine: letters, digits, . _ @ -");
}

Json role_schema() {
  return schema::one_of({"reporter", "viewer", "operator", "admin"},
                        "reporter: sends signals and does nothing else; viewer: looks; operator: "
                        "changes zones and bans; admin: everything");
}

Json refusal_schema(const std::string& text) {
  return schema::object(
      {{"errors", schema::array(schema::any())}, {"warnings", schema::array(schema::any())}}, text);
}

Role role_in(const Json& body) { return *role_of(body["role"].get<std::string>()); }

int64_t unix_now() { return static_cast<int64_t>(std::time(nullptr)); }

// Answers where nothing was added.
bool was_added(Added added, const std::string& what, httplib::Response& response) {
  if (added == Added::yes) return true;
  if (added == Added::known_already) {
    answer(response, 409,
           error_body(what + " is there already", "remove it, or take another name"));
  } else {
    answer(response, 409,
           error_body("there are " + std::to_string(AccessStore::kMostEntries) + " already",
                      "remove some that nobody uses"));
  }
  return false;
}

void get_clients(Trust& trust, const Call&, httplib::Response& response) {
  Json list = Json::array();
  for (const Client& one : trust.access.clients()) {
    list.push_back({{"name", one.name},
                    {"role", role_text(one.role)},
                    {"fingerprint", one.fingerprint},
                    {"added_by", one.added_by},
                    {"added_at", one.added_at},
                    {"expires_at", one.expires_at},
                    {"revoked_at", one.revoked_at},
                    {"used_at", one.used_at}});
  }
  answer(response, 200, {{"clients", std::move(list)}});
}

void post_client(Trust& trust, const Call& call, httplib::Response& response) {
  const Client client{call.body["fingerprint"], call.body["name"], role_in(call.body),
                      call.caller.name,         unix_now(),        call.body["expires_at"]};
  if (!was_added(trust.access.add_client(client), "this certificate", response)) return;
  answer(response, 201, {{"name", client.name}, {"role", role_text(client.role)}});
}

// Nobody saws off the branch that they sit on.
bool is_own_certificate(Trust& trust, const std::string& which) {
  const std::string& own = peer().fingerprint;
  if (own.empty()) return false;
  return which == own || which == trust.access.by_certificate(own).name;
}

void delete_client(Trust& trust, const Call& call, httplib::Response& response) {
  const std::string which = call.parameter("name", std::string());
  if (is_own_certificate(trust, which)) {
    return answer(response, 409,
                  error_body("this would revoke the certificate that asks for it",
                             "do it with another one, or on the dam itself"));
  }
  const size_t count = trust.access.revoke(which);
  if (count == 0) {
    return answer(
        response, 404,
        error_body("there is no valid certificate of " + which, "which there are: damctl clients"));
  }
  answer(response, 200, {{"revoked", count}});
}

void get_tokens(Trust& trust, const Call&, httplib::Response& response) {
  Json list = Json::array();
  for (const Token& one : trust.access.tokens()) {
    list.push_back({{"name", one.name},
                    {"role", role_text(one.role)},
                    {"added_by", one.added_by},
                    {"added_at", one.added_at},
                    {"expires_at", one.expires_at},
                    {"used_at", one.used_at}});
  }
  answer(response, 200, {{"tokens", std::move(list)}});
}

void post_token(Trust& trust, const Call& call, httplib::Response& response) {
  const int64_t days = call.body.value("expires_in_days", int64_t{0});
  const int64_t expires_at = days > 0 ? unix_now() + days * 86400 : 0;
  const std::string text = AccessStore::new_token_text();
  const Token token{call.body["name"], "",         role_in(call.body),
                    call.caller.name,  unix_now(), expires_at};
  if (!was_added(trust.access.add_token(token, text), "a token " + token.name, response)) return;
  answer(response, 201,
         {{"name", token.name},
          {"role", role_text(token.role)},
          {"expires_at", expires_at},
          {"token", text}});
}

void delete_token(Trust& trust, const Call& call, httplib::Response& response) {
  const std::string name = call.parameter("name", std::string());
  const std::string shown = call.request.get_header_value("Authorization");
  const std::string scheme = "Bearer ";
  if (shown.starts_with(scheme) &&
      trust.access.by_token(shown.substr(scheme.size())).name == name) {
    return answer(response, 409,
                  error_body("this would remove the token that asks for it",
                             "do it with another one, or on the dam itself"));
  }
  if (!trust.access.remove_token(name)) {
    return answer(response, 404,
                  error_body("there is no token " + name, "which there are: damctl token list"));
  }
  answer(response, 200, {{"removed", name}});
}

Json change_json(const AuditEntry& one) {
  return {{"number", one.number},
          {"at", one.at},
          {"name", one.caller.name},
          {"role", role_text(one.caller.role)},
          {"address", one.caller.address},
          {"method", one.method},
          {"path", one.path},
          {"status", one.status},
          {"what", one.what}};
}

Json refused_json(const RefusedEntry& one) {
  return {{"first_at", one.first_at}, {"last_at", one.last_at}, {"times", one.times},
          {"address", one.address},   {"name", one.name},       {"status", one.status},
          {"method", one.method},     {"path", one.path}};
}

void get_audit(Trust& trust, const Call& call, httplib::Response& response) {
  const int64_t count = call.parameter<int64_t>("count", 50);
  Json changes = Json::array(), refused = Json::array();
  for (const AuditEntry& one : trust.audit.list(call.parameter<int64_t>("before", 0), count)) {
    changes.push_back(change_json(one));
  }
  for (const RefusedEntry& one : trust.audit.list_refused(count)) {
    refused.push_back(refused_json(one));
  }
  answer(response, 200, {{"changes", std::move(changes)}, {"refused", std::move(refused)}});
}

void get_whoami(Trust&, const Call& call, httplib::Response& response) {
  answer(response, 200,
         {{"name", call.caller.name},
          {"role", role_text(call.caller.role)},
          {"address", call.caller.address}});
}

Json client_list_schema() {
  const Json client = schema::object({{"name", schema::string()},
                                      {"role", role_schema()},
                                      {"fingerprint", schema::string("SHA-256 of its DER")},
                                      {"added_by", schema::string()},
                                      {"added_at", when("registered")},
                                      {"expires_at", when("its end")},
                                      {"revoked_at", when("0: it is valid; else revoked")},
                                      {"used_at", when("0: never; last use")}});
  return schema::object({{"clients", schema::array(client)}});
}

Json token_list_schema() {
  const Json token = schema::object({{"name", schema::string()},
                                     {"role", role_schema()},
                                     {"added_by", schema::string()},
                                     {"added_at", when("made")},
                                     {"expires_at", when("0: never; its end")},
                                     {"used_at", when("0: never; last use")}});
  return schema::object({{"tokens", schema::array(token)}});
}

Json audit_schema() {
  const Json change =
      schema::object({{"number", schema::count()},
                      {"at", when("begun")},
                      {"name", schema::string("who")},
                      {"role", role_schema()},
                      {"address", schema::string("from where; empty: the Unix socket")},
                      {"method", schema::string()},
                      {"path", schema::string()},
                      {"status", schema::count("0: begun, and how it ended is not known")},
                      {"what", schema::string()}});
  const Json refused = schema::object({{"first_at", when("the first one")},
                                       {"last_at", when("the last one")},
                                       {"times", schema::count()},
                                       {"address", schema::string()},
                                       {"name", schema::string("empty: nobody known")},
                                       {"status", schema::count("401, 403 or 429")},
                                       {"method", schema::string("of the last one")},
                                       {"path", schema::string("of the last one")}});
  return schema::object({{"changes", schema::array(change, "newest first")},
                         {"refused", schema::array(refused, "by address and name")}});
}

Endpoint made(const char* method, const char* path, Role role, const char* summary,
              std::map<int, Json> answers) {
  Endpoint endpoint;
  endpoint.method = method;
  endpoint.path = path;
  endpoint.role = role;
  endpoint.summary = summary;
  endpoint.answers = std::move(answers);
  return endpoint;
}

Endpoint client_post() {
  Endpoint endpoint =
      made("POST", "/v1/clients", Role::admin, "Register a client certificate",
           {{201, schema::object({{"name", schema::string()}, {"role", role_schema()}})},
            {409, refusal_schema("it is there already, or there are too many")}});
  endpoint.body = {
      Body::Kind::json,
      schema::object({{"name", name_schema()},
                      {"role", role_schema()},
                      {"fingerprint", schema::matching("^[0-9a-f]{64}$", "SHA-256 of its DER")},
                      {"expires_at", when("its end")}}),
      "", "a certificate that the dam's authority has issued: damctl enroll"};
  return endpoint;
}

Endpoint client_delete() {
  Endpoint endpoint = made("DELETE", "/v1/clients/{name}", Role::admin, "Revoke certificates",
                           {{200, schema::object({{"revoked", schema::count("how many")}})},
                            {409, refusal_schema("it is the one that asks")}});
  endpoint.path_parameters = {
      {"name", schema::matching("^[A-Za-z0-9._@-]{1,64}$", "a name, or a fingerprint")}};
  return endpoint;
}

Endpoint token_post() {
  const Json made_token = schema::object({{"name", schema::string()},
                                          {"role", role_schema()},
                                          {"expires_at", when("0: never; its end")},
                                          {"token", schema::string("shown this once")}});
  Endpoint endpoint = made(
      "POST", "/v1/tokens", Role::admin, "Make a bearer token",
      {{201, made_token}, {409, refusal_schema("it is there already, or there are too many")}});
  endpoint.body = {Body::Kind::json,
                   schema::object({{"name", name_schema()},
                                   {"role", role_schema()},
                                   {"expires_in_days?", schema::integer(1, kMostDays,
                                                                        "its life; "
                                                                        "without it: no end")}}),
                   "", "whose it is, and what it may do"};
  return endpoint;
}

Endpoint token_delete() {
  Endpoint endpoint = made("DELETE", "/v1/tokens/{name}", Role::admin, "Remove a bearer token",
                           {{200, schema::object({{"removed", schema::string()}})},
                            {409, refusal_schema("it is the one that asks")}});
  endpoint.path_parameters = {{"name", name_schema()}};
  return endpoint;
}

Endpoint audit_get() {
  Endpoint endpoint =
      made("GET", "/v1/audit", Role::operator_, "What was changed, by whom, and who was refused",
           {{200, audit_schema()}});
  endpoint.query = {{"before", schema::integer(1, 1LL << 53, "only changes below this number")},
                    {"count", schema::integer(1, 1000, "how many; 50 if not said")}};
  return endpoint;
}

Endpoint whoami_get() {
  return made("GET", "/v1/whoami", Role::viewer, "Whom the dam takes you for",
              {{200, schema::object({{"name", schema::string()},
                                     {"role", role_schema()},
                                     {"address", schema::string()}})}});
}

}  // namespace

Endpoints trust_endpoints(Trust& trust) {
  const auto with = [&trust](Endpoint endpoint, Handle handle) {
    endpoint.handle = [&trust, handle](const Call& call, httplib::Response& response) {
      handle(trust, call, response);
    };
    return endpoint;
  };
  return {with(made("GET", "/v1/clients", Role::admin, "The registered client certificates",
                    {{200, client_list_schema()}}),
               get_clients),
          with(client_post(), post_client),
          with(client_delete(), delete_client),
          with(made("GET", "/v1/tokens", Role::admin, "The bearer tokens, without their text",
                    {{200, token_list_schema()}}),
               get_tokens),
          with(token_post(), post_token),
          with(token_delete(), delete_token),
          with(audit_get(), get_audit),
          with(whoami_get(), get_whoami)};
}

}  // namespace dam::control

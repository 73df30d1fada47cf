// SPDX-License-Identifier: BSD-3-Clause
// The policy's versions: which there are, how they differ, and back to one of them.
#include "controlplane/api/change_request.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/state/text_diff.h"

namespace dam::control {

namespace {

Json version_json(const PolicyVersion& version) {
  return {{"version", version.number},
          {"at", version.at_unix},
          {"author", version.author},
          {"comment", version.comment},
          {"changes", changes_view(version.changes)}};
}

void get_versions(const RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto before = call.parameter<int64_t>("before", 0);
  const auto count = call.parameter<int64_t>("count", 20);
  const auto running = policy.current();
  Json list = Json::array();
  for (const PolicyVersion& version : policy.store().list(before, static_cast<int>(count))) {
    list.push_back(version_json(version));
  }
  Json body = {{"running", running ? running->version.number : 0}, {"versions", std::move(list)}};
  if (running && running->unconfirmed) {
    body["unconfirmed"] = {{"version", running->unconfirmed->number},
                           {"back_to", running->unconfirmed->before},
                           {"deadline", running->unconfirmed->deadline_unix}};
  }
  answer(response, 200, body);
}

std::optional<PolicyVersion> version_or_404(const RunningPolicy& policy, int64_t number,
                                            httplib::Response& response) {
  auto version = policy.store().get(number);
  if (!version) {
    answer(response, 404,
           error_body("there is no version " + std::to_string(number),
                      "which there are: damctl history"));
  }
  return version;
}

void get_version(const RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto version = version_or_404(policy, call.parameter<int64_t>("number", 0), response);
  if (!version) return;
  Json body = version_json(*version);
  body["text"] = version->text;
  answer(response, 200, body);
}

void get_diff(const RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto running = policy.current();
  const int64_t newest = running ? running->version.number : 0;
  const auto after = version_or_404(policy, call.parameter("to", newest), response);
  if (!after) return;
  const int64_t from = call.parameter("from", after->number - 1);
  const auto before = version_or_404(policy, from, response);
  if (!before) return;
  answer(response, 200,
         {{"from", before->number},
          {"to", after->number},
          {"diff", text_diff(before->whole_text(), after->whole_text())}});
}

std::optional<Intent> read_return(const Call& call, httplib::Response& response) {
  auto intent = read_intent(call, response);
  if (intent) intent->own_alone = call.caller.role < Role::admin;
  return intent;
}

void post_rollback(RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto intent = read_return(call, response);
  if (!intent) return;
  const ChangeResult result = policy.roll_back(call.parameter<int64_t>("to", 0), *intent);
  answer(response, status_of(result.outcome), body_of(result));
}

void post_confirm(RunningPolicy& policy, const Call& call, httplib::Response& response) {
  const auto intent = read_return(call, response);
  if (!intent) return;
  const ChangeResult result = policy.confirm(*intent);
  answer(response, status_of(result.outcome), body_of(result));
}

Json number_schema(const std::string& text) { return schema::integer(1, 1LL << 53, text); }

schema::Fields version_fields() {
  return {{"version", schema::count()},
          {"at", schema::integer(0, INT64_MAX, "Unix time, s")},
          {"author", schema::string()},
          {"comment", schema::string("what was done")},
          {"changes", schema::array(schema::any())}};
}

Endpoint list_endpoint() {
  const Json unconfirmed =
      schema::object({{"version", schema::count()},
                      {"back_to", schema::count("the version that comes back")},
                      {"deadline", schema::integer(0, INT64_MAX, "Unix time, s")}});
  Endpoint endpoint;
  endpoint.summary = "The policy's versions, newest first";
  endpoint.path = "/v1/policy/versions";
  endpoint.query = {{"before", number_schema("only versions below this number")},
                    {"count", schema::integer(1, 200, "how many; 20 if not said")}};
  endpoint.answers = {
      {200, schema::object({{"running", schema::count()},
                            {"versions", schema::array(schema::object(version_fields()))},
                            {"unconfirmed?", unconfirmed}})}};
  return endpoint;
}

Endpoint version_endpoint() {
  schema::Fields fields = version_fields();
  fields.emplace_back("text", schema::string("of dam.yaml"));
  Endpoint endpoint;
  endpoint.summary = "One version, with its text";
  endpoint.path = "/v1/policy/versions/{number}";
  endpoint.path_parameters = {{"number", number_schema("which there are: damctl history")}};
  endpoint.answers = {{200, schema::object(fields)}};
  return endpoint;
}

Endpoint diff_endpoint() {
  Endpoint endpoint;
  endpoint.summary = "How two versions differ";
  endpoint.path = "/v1/policy/diff";
  endpoint.query = {{"from", number_schema("a version; the one before `to` if not said")},
                    {"to", number_schema("a version; the one that runs if not said")}};
  endpoint.answers = {{200, schema::object({{"from", schema::count()},
                                            {"to", schema::count()},
                                            {"diff", schema::string("as diff -u has it")}})}};
  return endpoint;
}

Endpoint rollback_endpoint() {
  Endpoint endpoint;
  endpoint.summary =
      "Put an earlier version in force again, as a new one; operators take back their "
      "own change of a zone that waits for its confirmation, and nothing else";
  endpoint.path = "/v1/policy/rollback";
  endpoint.query = intent_parameters();
  endpoint.query.push_back({"to", number_schema("which version: damctl history"), true});
  endpoint.answers = change_answers({});
  return endpoint;
}

Endpoint confirm_endpoint() {
  Endpoint endpoint;
  endpoint.summary =
      "Keep the version that waits for its confirmation; operators their own change of a zone "
      "alone";
  endpoint.path = "/v1/policy/confirm";
  endpoint.answers = change_answers({});
  return endpoint;
}

}  // namespace

Endpoints history_endpoints(RunningPolicy& policy) {
  const auto made = [&policy](Endpoint endpoint, const char* method, Role role, auto handle) {
    endpoint.method = method;
    endpoint.role = role;
    endpoint.handle = [&policy, handle](const Call& call, httplib::Response& response) {
      handle(policy, call, response);
    };
    return endpoint;
  };
  return {made(list_endpoint(), "GET", Role::viewer, get_versions),
          made(version_endpoint(), "GET", Role::viewer, get_version),
          made(diff_endpoint(), "GET", Role::viewer, get_diff),
          made(rollback_endpoint(), "POST", Role::operator_, post_rollback),
          made(confirm_endpoint(), "POST", Role::operator_, post_confirm)};
}

}  // namespace dam::control

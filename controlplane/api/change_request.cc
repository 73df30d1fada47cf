// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/change_request.h"

#include <charconv>
namespace dam::control {

namespace {

constexpr int64_t kLongestWait_s = 24 * 3600;

std::optional<int64_t> number_in(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && number > 0 ? std::optional(number) : std::nullopt;
}

// "60", "60s", "5m"
std::optional<int64_t> seconds_in(std::string text) {
  int64_t unit = 1;
  if (text.ends_with('m')) unit = 60;
  if (text.ends_with('m') || text.ends_with('s')) text.pop_back();
  const auto number = number_in(text);
  if (!number || *number > kLongestWait_s / unit) return std::nullopt;
  return *number * unit;
}

bool read_confirm_within(const Call& call, httplib::Response& response, Intent& intent) {
  if (!call.parameters.contains("confirm_within")) return true;
  const auto seconds = seconds_in(call.parameter("confirm_within", std::string()));
  intent.confirm_within_s = seconds.value_or(0);
  if (seconds) return true;
  answer(response, 400,
         error_body("confirm_within is no time from 1s to 24h", "write ?confirm_within=60s"));
  return false;
}

bool read_if_match(const httplib::Request& request, httplib::Response& response, Intent& intent) {
  if (!request.has_header("If-Match")) return true;
  const std::string text = request.get_header_value("If-Match");
  if (text == "*") return true;
  const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
  intent.expected = number_in(quoted ? text.substr(1, text.size() - 2) : text);
  if (intent.expected) return true;
  answer(response, 400,
         error_body("If-Match is not the ETag of a policy",
                    "write If-Match: \"7\", as GET /v1/policy says"));
  return false;
}

}  // namespace

std::vector<Parameter> intent_parameters() {
  return {{"dry_run", schema::boolean("1: say what would happen, and change nothing")},
          {"confirm_within", schema::matching("^[0-9]{1,6}[sm]?$",
                                              "e.g. 60s: what ran before comes back then, unless "
                                              "POST /v1/policy/confirm comes before")}};
}

Parameter force_parameter() {
  return {"force", schema::boolean("1: also where a server's certificate covers a name that the "
                                   "policy routes to another one")};
}

std::map<int, Json> change_answers(const schema::Fields& more) {
  schema::Fields fields = {{"applied", schema::boolean()},
                           {"waiting_for_dataplane", schema::boolean()},
                           {"version", schema::count("of the policy; 0: none was made")},
                           {"policy_version", schema::count("the dataplane's own count")},
                           {"restart_needed", schema::boolean("to use all of it")},
                           {"diff", schema::string("from what ran to this, as diff -u has it")},
                           {"errors", schema::array(schema::any())},
                           {"warnings", schema::array(schema::any())}};
  fields.insert(fields.end(), more.begin(), more.end());
  const auto as = [&fields](const char* text) { return schema::object(fields, text); };
  return {
      {200, as("it is in force, or would be")},
      {202, as("it waits for the dataplane")},
      {404, as("there is no such zone, route, server or version")},
      {409, as("the dataplane refuses it, another version waits for its confirmation, or it needs "
               "?force=true")},
      {412, as("another version runs than If-Match says")},
      {422, as("the policy has errors: each with its place")},
      {507, as("it could not be saved, and is not in force")}};
}

std::optional<Intent> read_intent(const Call& call, httplib::Response& response) {
  Intent intent;
  intent.author = call.caller.name;
  intent.dry_run = call.parameter("dry_run", false);
  intent.force = call.parameter("force", false);
  const bool sound =
      read_confirm_within(call, response, intent) && read_if_match(call.request, response, intent);
  return sound ? std::optional(intent) : std::nullopt;
}

std::string etag_of(int64_t version) { return '"' + std::to_string(version) + '"'; }

int status_of(ChangeResult::Outcome outcome) {
  switch (outcome) {
    case ChangeResult::Outcome::valid:
    case ChangeResult::Outcome::applied:
      return 200;
    case ChangeResult::Outcome::waiting:
      return 202;
    case ChangeResult::Outcome::unknown_zone:
    case ChangeResult::Outcome::unknown_version:
    case ChangeResult::Outcome::unknown_entry:
      return 404;
    case ChangeResult::Outcome::refused:
    case ChangeResult::Outcome::unconfirmed:
    case ChangeResult::Outcome::objected:
      return 409;
    case ChangeResult::Outcome::outdated:
      return 412;
    case ChangeResult::Outcome::not_theirs:
      return 403;
    case ChangeResult::Outcome::not_saved:
      return 507;
    default:
      return 422;
  }
}

Json body_of(const ChangeResult& result) {
  Json body = {{"applied", result.outcome == ChangeResult::Outcome::applied},
               {"waiting_for_dataplane", result.outcome == ChangeResult::Outcome::waiting},
               {"version", result.version},
               {"policy_version", result.policy_version},
               {"restart_needed", result.restart_needed},
               {"diff", result.diff}};
  body.update(problems_to_json(result.problems));
  return body;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/change_request.h"

#include <charconv>

#include "controlplane/api/bounded_server.h"

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

bool read_dry_run(const httplib::Request& request, httplib::Response& response, Intent& intent) {
  const std::string text = request.get_param_value("dry_run");
  intent.dry_run = text == "1" || text == "true";
  if (intent.dry_run || text.empty() || text == "0" || text == "false") return true;
  answer(response, 400, error_body("dry_run is neither 0 nor 1", "write ?dry_run=1"));
  return false;
}

bool read_confirm_within(const httplib::Request& request, httplib::Response& response,
                         Intent& intent) {
  if (!request.has_param("confirm_within")) return true;
  const auto seconds = seconds_in(request.get_param_value("confirm_within"));
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

void answer(httplib::Response& response, int status, const Json& body) {
  response.status = status;
  // Bytes that are no UTF-8 may come back in a message that quotes them.
  response.set_content(body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                       "application/json");
}

std::optional<Intent> read_intent(const httplib::Request& request, httplib::Response& response) {
  Intent intent;
  intent.author = calling_user();
  const bool sound = read_dry_run(request, response, intent) &&
                     read_confirm_within(request, response, intent) &&
                     read_if_match(request, response, intent);
  return sound ? std::optional(intent) : std::nullopt;
}

std::optional<int64_t> read_number(const httplib::Request& request, httplib::Response& response,
                                   const std::string& name) {
  if (!request.has_param(name)) return std::nullopt;
  const auto number = number_in(request.get_param_value(name));
  if (!number) {
    answer(response, 400,
           error_body(name + " is no number of a version", "which there are: damctl history"));
  }
  return number;
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
      return 404;
    case ChangeResult::Outcome::refused:
    case ChangeResult::Outcome::unconfirmed:
      return 409;
    case ChangeResult::Outcome::outdated:
      return 412;
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

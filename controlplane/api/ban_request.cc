// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/ban_request.h"

#include <ctime>

#include "controlplane/api/ban_json.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/bans/ban_lines.h"
#include "controlplane/policy/quantity.h"

namespace dam::control {

int ban_status(const BanResult& result, bool in_force) {
  switch (result.outcome) {
    case BanResult::Outcome::done:
      return in_force ? 200 : 202;
    case BanResult::Outcome::unknown:
      return 404;
    case BanResult::Outcome::full:
      return 409;
    case BanResult::Outcome::not_saved:
      return 507;
    default:
      return 422;
  }
}

void answer_change(const BanResult& result, bool in_force, httplib::Response& response, Json body) {
  body["count"] = result.count;
  if (result.skipped > 0) body["skipped"] = result.skipped;
  body["in_force"] = in_force;
  body["bans"] = Json::array();
  for (const KeptBan& ban : result.bans) body["bans"].push_back(ban_json(ban));
  if (result.fingerprint) body["fingerprint"] = fingerprint_ban_json(*result.fingerprint);
  body.update(problems_to_json(result.problems));
  answer(response, ban_status(result, in_force), body);
}

void refuse_ban(httplib::Response& response, const std::string& message, const std::string& hint) {
  answer(response, 400, error_body(message, hint));
}

Asker asker_of(const Call& call, const char* origin) {
  Asker asker;
  asker.name = call.caller.name;
  asker.origin = origin;
  for (const std::string& text :
       {call.caller.address, call.request.get_header_value("X-Dam-Client")}) {
    if (const auto address = parse_address(text)) asker.addresses.push_back(*address);
  }
  return asker;
}

bool read_ban_end(const Json& from, BanRequest& ban, httplib::Response& response) {
  if (from.contains("until") && from.contains("for")) {
    refuse_ban(response, "for and until contradict each other", "write one of them");
    return false;
  }
  if (from.contains("until")) {
    ban.until_unix = from["until"].get<int64_t>();
    if (*ban.until_unix <= std::time(nullptr)) {
      refuse_ban(response, "until is over already", "a Unix time in seconds that is still to come");
      return false;
    }
  }
  if (!from.contains("for")) return true;
  const auto time = parse_duration_ns(from["for"].get<std::string>());
  constexpr uint64_t kSecond_ns = 1'000'000'000;
  if (!time.value || *time.value < kSecond_ns) {
    refuse_ban(response, "for is no time from 1s up", "write e.g. 90s, 1h30m or 7d");
    return false;
  }
  ban.for_s = static_cast<int64_t>(*time.value / kSecond_ns);
  return true;
}

bool read_ban_reason(const Json& from, BanRequest& ban, httplib::Response& response) {
  ban.reason = from.value("reason", "");
  const std::string wrong = objection_to_reason(ban.reason);
  if (!wrong.empty()) refuse_ban(response, wrong, "say it shorter, in one line");
  return wrong.empty();
}

Json ban_for_schema() {
  return schema::matching("^[0-9hmsd]{2,20}$", "e.g. 1h30m; longer if it is a repeat");
}
Json ban_until_schema() {
  return schema::integer(1, kLatestBanEnd_unix, "Unix time, s; instead of `for`");
}
Json ban_reason_schema() { return schema::string("in one line, at most 200 bytes"); }
}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// The policy's versions: which there are, how they differ, and back to one of them.
#include <algorithm>

#include "controlplane/api/change_request.h"
#include "controlplane/api/handlers.h"
#include "controlplane/state/text_diff.h"

namespace dam::control {

namespace {

constexpr int64_t kMostListed = 200;

Json version_json(const PolicyVersion& version) {
  return {{"version", version.number},
          {"at", version.at_unix},
          {"author", version.author},
          {"comment", version.comment},
          {"changes", changes_view(version.changes)}};
}

void get_versions(const RunningPolicy& policy, const httplib::Request& request,
                  httplib::Response& response) {
  const auto before = read_number(request, response, "before");
  const auto count = read_number(request, response, "count");
  if (response.status == 400) return;
  const auto running = policy.current();
  Json list = Json::array();
  for (const PolicyVersion& version : policy.store().list(
           before.value_or(0), static_cast<int>(std::min(count.value_or(20), kMostListed)))) {
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

void get_version(const RunningPolicy& policy, const httplib::Request& request,
                 httplib::Response& response) {
  const auto version = version_or_404(policy, std::stoll(request.matches[1]), response);
  if (!version) return;
  Json body = version_json(*version);
  body["text"] = version->text;
  answer(response, 200, body);
}

void get_diff(const RunningPolicy& policy, const httplib::Request& request,
              httplib::Response& response) {
  const auto running = policy.current();
  const int64_t newest = running ? running->version.number : 0;
  const auto to = read_number(request, response, "to");
  const auto from = read_number(request, response, "from");
  if (response.status == 400) return;
  const auto after = version_or_404(policy, to.value_or(newest), response);
  if (!after) return;
  const auto before = version_or_404(policy, from.value_or(after->number - 1), response);
  if (!before) return;
  answer(response, 200,
         {{"from", before->number},
          {"to", after->number},
          {"diff", text_diff(before->whole_text(), after->whole_text())}});
}

void post_rollback(RunningPolicy& policy, const httplib::Request& request,
                   httplib::Response& response) {
  const auto intent = read_intent(request, response);
  const auto to = intent ? read_number(request, response, "to") : std::nullopt;
  if (response.status == 400) return;
  if (!to) return answer(response, 400, error_body("to which version?", "write ?to=7"));
  const ChangeResult result = policy.roll_back(*to, *intent);
  answer(response, status_of(result.outcome), body_of(result));
}

void post_confirm(RunningPolicy& policy, const httplib::Request& request,
                  httplib::Response& response) {
  const auto intent = read_intent(request, response);
  if (!intent) return;
  const ChangeResult result = policy.confirm(*intent);
  answer(response, status_of(result.outcome), body_of(result));
}

}  // namespace

void add_history_handlers(httplib::Server& server, RunningPolicy& policy) {
  const auto with = [&policy](auto handler) {
    return [&policy, handler](const httplib::Request& request, httplib::Response& response) {
      handler(policy, request, response);
    };
  };
  server.Get("/v1/policy/versions", with(get_versions));
  server.Get(R"(/v1/policy/versions/(\d{1,15}))", with(get_version));
  server.Get("/v1/policy/diff", with(get_diff));
  server.Post("/v1/policy/rollback", with(post_rollback));
  server.Post("/v1/policy/confirm", with(post_confirm));
}

}  // namespace dam::control

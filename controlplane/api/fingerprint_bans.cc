// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/fingerprint_bans.h"

#include "controlplane/api/ban_request.h"
#include "controlplane/api/fingerprint_hits.h"
#include "controlplane/api/problem_json.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

constexpr auto kKindHolds = std::chrono::seconds(3);
constexpr auto kLooksForHits = std::chrono::seconds(1);
constexpr auto kLooksForAllHits = std::chrono::seconds(3);  // of a list

std::string at_least(bool more, uint64_t count, const char* what) {
  return (more ? "at least " : "") + std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Problem warning_of(std::string message, std::string hint) {
  return {Severity::warning, "", {}, std::move(message), std::move(hint)};
}

Problem not_looked() {
  return warning_of("the dataplane does not answer: whom this hits now is not known",
                    "damctl status");
}

Problem common_warning(const FingerprintHits& hits, const std::string& what,
                       const std::string& ja4) {
  return warning_of(what + ": " + at_least(hits.more, hits.connections, "connection") + " of " +
                        at_least(hits.more, hits.sources, "source") + " have it now, of " +
                        (hits.more ? "at least " : "") + std::to_string(hits.of) +
                        " that show any; browsers of one version share theirs",
                    "look who they are: damctl flows --ja4 '" + ja4 +
                        "'; to take a ban back: damctl unban '" + ja4 + "'");
}

// What is said of whom it hits; adds warnings.
void add_hits(const std::optional<FingerprintHits>& hits, const std::string& ja4, Json& body,
              std::vector<Problem>& problems) {
  if (!hits) return problems.push_back(not_looked());
  body["hits"] = {{"connections", hits->connections},
                  {"sources", hits->sources},
                  {"of", hits->of},
                  {"more", hits->more}};
  if (hits->common()) problems.push_back(common_warning(*hits, "a common fingerprint", ja4));
}

void answer_kind(FingerprintBook& book, BanResult result, httplib::Response& response,
                 Json body = Json::object()) {
  const bool told = result.done() && kinds_are_told(book, result.problems);
  answer_change(result, told, response, std::move(body));
}

}  // namespace

bool kinds_are_told(FingerprintBook& book, std::vector<Problem>& problems) {
  if (book.wait_until_told(kKindHolds)) return true;
  const std::string refusal = book.refusal();
  if (!refusal.empty()) {
    problems.push_back(warning_of("the dataplane refuses the bans of fingerprints: " + refusal,
                                  "they are kept, and tried again; which there are: damctl bans"));
  }
  return false;
}

void warn_of_common(FingerprintBook& book, const Ask& ask, const std::set<std::string>& patterns,
                    std::vector<Problem>& problems) {
  const auto until = std::chrono::steady_clock::now() + kLooksForAllHits;
  const std::vector<std::string> zones = book.zones();
  auto left = static_cast<int64_t>(patterns.size());
  for (const std::string& ja4 : patterns) {
    const auto share = (until - std::chrono::steady_clock::now()) / left--;
    const auto hits = fingerprint_hits(
        ask, zones, ja4, std::chrono::duration_cast<std::chrono::milliseconds>(share));
    if (!hits) return problems.push_back(not_looked());
    if (hits->common()) problems.push_back(common_warning(*hits, ja4 + " is common", ja4));
  }
}

void post_fingerprint_ban(BanBook& book, const Ask& ask, const Call& call,
                          httplib::Response& response) {
  const std::string ja4 = call.body.value("ja4", "");
  if (!is_ja4_pattern(ja4)) {
    return refuse_ban(response, "ja4: " + ja4.substr(0, 60) + " is no JA4 fingerprint",
                      "three parts between _, each of which may be *, e.g. "
                      "t13d1516h2_8daaf6152771_*; which there are: damctl top --by fingerprints");
  }
  BanRequest ban;
  ban.ja4 = ja4;
  if (!read_ban_end(call.body, ban, response) || !read_ban_reason(call.body, ban, response)) return;
  Asker asker = asker_of(call, "operator");
  asker.force = call.body.value("force", false);
  Json body = Json::object();
  const bool dry_run = call.body.value("dry_run", false);
  BanResult made;
  if (!dry_run) made = book.ban({ban}, asker);  // first: it does not wait for who is counted
  FingerprintBook& kinds = book.fingerprints();
  add_hits(fingerprint_hits(ask, kinds.zones(), ja4, kLooksForHits), ja4, body, made.problems);
  if (!dry_run) return answer_kind(kinds, made, response, std::move(body));
  answer_change(made, false, response, std::move(body));
  response.status = 200;
}

void delete_fingerprint_ban(FingerprintBook& book, const std::string& ja4,
                            httplib::Response& response) {
  answer_kind(book, book.lift(ja4), response);
}

Json fingerprint_hits_schema() {
  return schema::object({{"connections", schema::count("that live in service zones and have it")},
                         {"sources", schema::count("whose they are")},
                         {"of", schema::count("such connections of whatever fingerprint")},
                         {"more", schema::boolean("they are at least so many")}});
}

}  // namespace dam::control

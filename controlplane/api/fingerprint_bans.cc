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

std::string at_least(bool more, uint64_t count, const char* what) {
  return (more ? "at least " : "") + std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Problem warning_of(std::string message, std::string hint) {
  return {Severity::warning, "", {}, std::move(message), std::move(hint)};
}

// What is said of whom it hits; adds warnings.
void add_hits(const std::optional<FingerprintHits>& hits, const std::string& ja4, Json& body,
              std::vector<Problem>& problems) {
  if (!hits) {
    return problems.push_back(warning_of(
        "the dataplane does not answer: whom this hits now is not known", "damctl status"));
  }
  body["hits"] = {{"connections", hits->connections},
                  {"sources", hits->sources},
                  {"of", hits->of},
                  {"more", hits->more}};
  if (!hits->common()) return;
  problems.push_back(
      warning_of("a common fingerprint: " + at_least(hits->more, hits->connections, "connection") +
                     " of " + at_least(hits->more, hits->sources, "source") + " have it now, of " +
                     (hits->more ? "at least " : "") + std::to_string(hits->of) +
                     " that show any; browsers of one version share theirs",
                 "look who they are: damctl flows --ja4 '" + ja4 +
                     "'; to take a ban back: damctl unban '" + ja4 + "'"));
}

void answer_kind(FingerprintBook& book, FingerprintBook::Result result, Json body,
                 std::vector<Problem> warnings, httplib::Response& response) {
  const bool done = result.outcome == BanResult::Outcome::done;
  const bool in_force = done && book.wait_until_told(kKindHolds);
  body["count"] = done ? 1 : 0;
  body["in_force"] = in_force;
  body["bans"] = Json::array();
  if (result.ban) body["fingerprint"] = fingerprint_ban_json(*result.ban);
  std::vector<Problem> all = std::move(result.problems);
  all.insert(all.end(), warnings.begin(), warnings.end());
  body.update(problems_to_json(all));
  BanResult as_of_sources;
  as_of_sources.outcome = result.outcome;
  answer(response, ban_status(as_of_sources, in_force), body);
}

}  // namespace

void post_fingerprint_ban(FingerprintBook& book, const Ask& ask, const Call& call,
                          httplib::Response& response) {
  const std::string ja4 = call.body.value("ja4", "");
  if (!is_ja4_pattern(ja4)) {
    return refuse_ban(response, "ja4: " + ja4.substr(0, 60) + " is no JA4 fingerprint",
                      "three parts between _, each of which may be *, e.g. "
                      "t13d1516h2_8daaf6152771_*; which there are: damctl top --by fingerprints");
  }
  BanRequest how;
  if (!read_ban_end(call.body, how, response) || !read_ban_reason(call.body, how, response)) return;
  Asker asker = asker_of(call, "operator");
  asker.force = call.body.value("force", false);
  Json body = Json::object();
  std::vector<Problem> warnings;
  const bool dry_run = call.body.value("dry_run", false);
  FingerprintBook::Result made;
  if (!dry_run) made = book.ban(ja4, how, asker);  // first: it does not wait for who is counted
  add_hits(fingerprint_hits(ask, book.zones(), ja4, kLooksForHits), ja4, body, warnings);
  if (dry_run) {
    body.update(Json({{"count", 0}, {"in_force", false}, {"bans", Json::array()}}));
    body.update(problems_to_json(warnings));
    return answer(response, 200, body);
  }
  answer_kind(book, std::move(made), std::move(body), std::move(warnings), response);
}

void delete_fingerprint_ban(FingerprintBook& book, const std::string& ja4,
                            httplib::Response& response) {
  answer_kind(book, book.lift(ja4), Json::object(), {}, response);
}

Json fingerprint_ban_json(const FingerprintBan& ban) {
  Json json = {{"ja4", ban.ja4}, {"made", ban.made_unix}};
  if (ban.until_unix != BanTerms::kForEver) json["until"] = ban.until_unix;
  json["times"] = ban.times;
  json["reason"] = ban.reason;
  json["origin"] = ban.origin;
  json["author"] = ban.author;
  return json;
}

Json fingerprint_ban_schema() {
  return schema::object(
      {{"ja4", schema::string("a fingerprint, of which parts may be *; in service zones alone")},
       {"made", schema::count("Unix time, s")},
       {"until?", schema::count("Unix time, s; absent: for ever")},
       {"times", schema::count("how often it was banned, one soon after another")},
       {"reason", schema::string()},
       {"origin", schema::string("operator")},
       {"author", schema::string()}});
}

Json fingerprint_hits_schema() {
  return schema::object({{"connections", schema::count("that live in service zones and have it")},
                         {"sources", schema::count("whose they are")},
                         {"of", schema::count("such connections of whatever fingerprint")},
                         {"more", schema::boolean("they are at least so many")}});
}

}  // namespace dam::control

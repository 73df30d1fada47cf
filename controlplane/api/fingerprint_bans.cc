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

void answer_kind(FingerprintBook& book, const BanResult& result, httplib::Response& response,
                 Json body = Json::object()) {
  answer_change(result, result.done() && book.wait_until_told(kKindHolds), response,
                std::move(body));
}

}  // namespace

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
       {"origin", schema::string("operator or import")},
       {"author", schema::string()}});
}

Json fingerprint_hits_schema() {
  return schema::object({{"connections", schema::count("that live in service zones and have it")},
                         {"sources", schema::count("whose they are")},
                         {"of", schema::count("such connections of whatever fingerprint")},
                         {"more", schema::boolean("they are at least so many")}});
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A ban of all who behave like one source: first whom it would hit, then exactly these.
#include <algorithm>

#include "controlplane/api/ban_request.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/api/similar_json.h"
#include "controlplane/api/similar_query.h"
#include "controlplane/bans/protected_addresses.h"
#include "controlplane/trust/secret.h"

namespace dam::control {

namespace {

constexpr size_t kMostBannedAlike = 1000;
constexpr auto kAlikeHold = std::chrono::seconds(5);

// Whom it hits, in the order of their distance; the source itself first.
struct Alike {
  std::vector<Network> hit;
  Json shown = Json::array();
  std::string digest;
};

Json shown_source(const KnownBehaviour& one, const KnownBehaviour& of, const SimilarAnswer& known,
                  const std::string& spared) {
  Json json = known_json(one);
  json["distance"] = percent_of(one.distance);
  json["share"] = shared_json(of, one, known);
  if (!spared.empty()) json["spared"] = spared;
  return json;
}

Alike alike_of(const SimilarAnswer& known, const Policy* policy, const Asker& asker) {
  const ProtectedAddresses people(policy, asker.addresses);
  Alike alike;
  std::vector<std::string> names;
  const auto add = [&](const KnownBehaviour& one) {
    const auto objection = people.to(one.source, false);
    alike.shown.push_back(shown_source(one, known.of[0], known, objection.message));
    if (!objection.message.empty()) return;
    alike.hit.push_back(one.source);
    names.push_back(one.source.text());
  };
  add(known.of[0]);
  for (const KnownBehaviour& one : known.similar) add(one);
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) all += name + "\n";
  alike.digest = sha256_hex(all);
  return alike;
}

// False after an answer: it is not what was seen, or nobody.
bool may_ban(const Alike& alike, const Call& call, Json& body, httplib::Response& response) {
  const auto refuse = [&](int status, const char* message, const char* hint) {
    body.update(error_body(message, hint));
    answer(response, status, body);
    return false;
  };
  if (alike.shown.size() > kMostBannedAlike) {
    return refuse(422, "more than 1000 sources are that near", "a smaller `within`");
  }
  if (alike.hit.empty())
    return refuse(422, "none of these may be banned", "damctl similar ADDRESS");
  if (call.body.value("digest", "") != alike.digest) {
    return refuse(409, "the list is another one than was seen: nobody is banned",
                  "look at it (dry_run), and send its digest");
  }
  return true;
}

void ban_alike(BanBook& book, const Alike& alike, const BanRequest& like, const Asker& asker,
               Json& body, httplib::Response& response) {
  std::vector<BanRequest> bans(alike.hit.size(), like);
  for (size_t i = 0; i < bans.size(); ++i) bans[i].source = alike.hit[i];
  const BanResult result = book.ban(bans, asker);
  const bool done = result.outcome == BanResult::Outcome::done;
  body["count"] = result.count;
  body["in_force"] = done && book.wait_until_told(kAlikeHold);
  body.update(problems_to_json(result.problems));
  answer(response, ban_status(result, body["in_force"].get<bool>()), body);
}

void show_or_ban(const ApiParts& parts, const Call& call, const SimilarAnswer& known,
                 const BanRequest& like, double within, httplib::Response& response) {
  const Asker asker = asker_of(call, "operator");
  const auto running = parts.policy.current();
  const Alike alike = alike_of(known, running ? running->policy.get() : nullptr, asker);
  Json body = {{"digest", alike.digest},
               {"within", percent_of(within)},
               {"sources", alike.shown},
               {"count", 0},
               {"in_force", false}};
  if (call.body.value("dry_run", false)) {
    body["count"] = alike.hit.size();
    return answer(response, 200, body);
  }
  if (!may_ban(alike, call, body, response)) return;
  ban_alike(parts.bans, alike, like, asker, body, response);
}

void post_alike(const ApiParts& parts, const Call& call, httplib::Response& response) {
  BanRequest like;
  if (!read_ban_end(call.body, like, response)) return;
  if (!read_ban_reason(call.body, like, response)) return;
  const std::string to = call.body.value("to", "");
  const auto query =
      read_similar_query(parts.lookalikes, to, call.body, kMostBannedAlike + 1, response);
  if (!query) return;
  const auto known = ask_similar(parts.lookalikes, *query, response);
  if (!known) return;
  if (like.reason.empty()) like.reason = "behaves like " + query->source.text();
  show_or_ban(parts, call, *known, like, query->within, response);
}

std::map<int, Json> alike_answers() {
  const Json source = similar_schema()["properties"]["similar"]["items"];
  Json hit = source;
  hit["properties"]["spared"] = schema::string("why it may not be banned, and is not");
  const Json body =
      schema::object({{"digest?", schema::string("of whom it hits")},
                      {"within?", schema::number("%, of the distance")},
                      {"sources?", schema::array(hit, "the source itself first")},
                      {"count?", schema::count("that are banned; of a dry run: that would be")},
                      {"in_force?", schema::boolean("the dataplane has it")},
                      {"errors?", schema::array(schema::any())},
                      {"warnings?", schema::array(schema::any())}});
  const auto as = [&body](const char* text) {
    Json copy = body;
    copy["description"] = text;
    return copy;
  };
  return {{200, as("it is in force; of a dry run: whom it would hit")},
          {202, as("it holds as soon as the dataplane takes it")},
          {404, as("nothing is known of its behaviour")},
          {409, as("the list is not the one of the digest, or more bans than bans.at_most")},
          {422, as("they may not be banned, or are too many: nothing has changed")},
          {503, as("the policy wants no look-alikes, or the database is away")},
          {507, as("it could not be saved: nothing has changed")}};
}

}  // namespace

Endpoints similar_ban_endpoints(const ApiParts& parts) {
  Endpoint endpoint;
  endpoint.method = "POST";
  endpoint.path = "/v1/bans/similar";
  endpoint.role = Role::operator_;
  endpoint.summary = "Ban all who behave like a source; with dry_run, whom that would hit";
  endpoint.body = {
      Body::Kind::json,
      schema::object({{"to", schema::string("an address")},
                      {"within?", within_schema()},
                      {"over?", over_schema()},
                      {"dry_run?", schema::boolean("ban nobody, show whom it would hit")},
                      {"digest?", schema::string("of the list that was seen: needed to ban")},
                      {"for?", ban_for_schema()},
                      {"until?", ban_until_schema()},
                      {"reason?", ban_reason_schema()}}),
      "", "whose like, how near, for how long"};
  endpoint.answers = alike_answers();
  endpoint.handle = [parts](const Call& call, httplib::Response& response) {
    post_alike(parts, call, response);
  };
  return {endpoint};
}

}  // namespace dam::control

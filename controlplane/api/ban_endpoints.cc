// SPDX-License-Identifier: BSD-3-Clause
// Bans of operators, and those that zones have begun.
#include <chrono>

#include "controlplane/api/ban_json.h"
#include "controlplane/api/ban_list.h"
#include "controlplane/api/ban_request.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/fingerprint_bans.h"
#include "controlplane/api/problem_json.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

constexpr auto kOneHolds = std::chrono::seconds(3);
constexpr int64_t kMostOnAPage = 1000;

void answer_when_told(BanBook& book, const BanResult& result, httplib::Response& response) {
  answer_change(result, result.done() && book.wait_until_told(kOneHolds), response);
}

void post_ban(BanBook& book, const Ask& ask, const Call& call, httplib::Response& response) {
  BanRequest ban;
  const bool of_kind = call.body.contains("ja4");
  if (of_kind == call.body.contains("source")) {
    return refuse_ban(response, "whom? source and ja4 exclude each other, and one is needed",
                      R"({"source": "198.51.100.0/24"} or {"ja4": "t13d1516h2_8daaf6152771_*"})");
  }
  if (of_kind) return post_fingerprint_ban(book, ask, call, response);
  if (call.body.value("dry_run", false)) {
    return refuse_ban(response, "dry_run is for ja4", "who an address is: damctl explain ADDRESS");
  }
  const std::string text = call.body.value("source", "");
  const auto source = parse_network(text);
  if (!source) {
    return refuse_ban(response, "source: " + text.substr(0, 60) + " is not a network",
                      "write an address or a network, e.g. 198.51.100.0/24");
  }
  ban.source = source->masked();
  if (!read_ban_end(call.body, ban, response) || !read_ban_reason(call.body, ban, response)) return;
  Asker asker = asker_of(call, "operator");
  asker.force = call.body.value("force", false);
  answer_when_told(book, book.ban({ban}, asker), response);
}

// A source that signals have throttled has that lifted, too.
void delete_ban(BanBook& book, const LiftThrottles& lift_throttles, const Call& call,
                httplib::Response& response) {
  const std::string text = call.parameter("source", std::string());
  if (is_ja4_pattern(text)) return delete_fingerprint_ban(book.fingerprints(), text, response);
  const auto source = parse_network(text);
  if (!source) {
    return refuse_ban(response, text.substr(0, 60) + " is not a network, nor a JA4 fingerprint",
                      "as it stands in the list: damctl bans");
  }
  BanResult result = book.lift(source->masked());
  const size_t throttles = lift_throttles ? lift_throttles(source->masked()) : 0;
  const bool unknown = result.outcome == BanResult::Outcome::unknown;
  if (unknown && throttles != 0) {
    result.outcome = BanResult::Outcome::done;
  } else if (unknown) {
    result.problems = {
        {Severity::error,
         "",
         {},
         source->masked().text() + " is not banned",
         "which are: damctl bans; why somebody is kept out: damctl explain ADDRESS"}};
  }
  answer_when_told(book, result, response);
}

void get_bans(BanBook& book, const Call& call, httplib::Response& response) {
  BanBook::Query query;
  query.count = static_cast<size_t>(call.parameter<int64_t>("count", 100));
  query.origin = call.parameter("origin", std::string());
  const std::string after = call.parameter("after", std::string());
  const std::string address = call.parameter("address", std::string());
  query.after = parse_network(after);
  query.address = parse_address(address);
  if (!after.empty() && !query.after) return refuse_ban(response, "after is not a network", "");
  if (!address.empty() && !query.address) return refuse_ban(response, "address is no address", "");
  const BanBook::Page page = book.list(query);
  Json body = {{"total", page.total}, {"bans", Json::array()}};
  for (const KeptBan& ban : page.bans) body["bans"].push_back(ban_json(ban));
  if (page.more) body["next"] = page.bans.back().source.text();
  body["fingerprints"] = Json::array();
  for (const FingerprintBan& ban : book.fingerprints().list()) {
    if (ban.origin.starts_with(query.origin))
      body["fingerprints"].push_back(fingerprint_ban_json(ban));
  }
  answer(response, 200, body);
}

std::map<int, Json> ban_answers() {
  const Json body = schema::object({{"count", schema::count("bans that were changed")},
                                    {"skipped?", schema::count("of a list, that are over")},
                                    {"in_force", schema::boolean("the dataplane has it")},
                                    {"bans", schema::array(ban_schema())},
                                    {"fingerprint?", fingerprint_ban_schema()},
                                    {"hits?", fingerprint_hits_schema()},
                                    {"errors", schema::array(schema::any())},
                                    {"warnings", schema::array(schema::any())}});
  const auto as = [&body](const char* text) {
    Json copy = body;
    copy["description"] = text;
    return copy;
  };
  return {{200, as("it is in force")},
          {202, as("it holds as soon as the dataplane takes it")},
          {404, as("there is no such ban")},
          {409, as("more bans than bans.at_most")},
          {422, as("it may not be banned, or a line is wrong: nothing has changed")},
          {507, as("it could not be saved: nothing has changed")}};
}

Json force_schema() {
  return schema::boolean("however wide, and over the site's own addresses too");
}

Endpoint ban_endpoint() {
  Endpoint endpoint;
  endpoint.summary =
      "Ban an address or a network, or a kind of clients; without `for` or `until` for ever";
  endpoint.path = "/v1/bans";
  endpoint.body = {Body::Kind::json,
                   schema::object({{"source?", schema::string("an address or a network")},
                                   {"ja4?", schema::string("instead, a JA4 fingerprint; a part "
                                                           "may be *. In service zones alone")},
                                   {"dry_run?", schema::boolean("of ja4: ban nobody, say whom it "
                                                                "would hit")},
                                   {"for?", ban_for_schema()},
                                   {"until?", ban_until_schema()},
                                   {"reason?", ban_reason_schema()},
                                   {"force?", force_schema()}}),
                   "", "whom, for how long, and why"};
  endpoint.answers = ban_answers();
  return endpoint;
}

Endpoint import_endpoint() {
  Endpoint endpoint;
  endpoint.summary = "Ban a whole list, or nobody of it";
  endpoint.path = "/v1/bans/import";
  endpoint.query = {{"for", ban_for_schema()},
                    {"until", ban_until_schema()},
                    {"reason", ban_reason_schema()},
                    {"force", force_schema()}};
  endpoint.body = {
      Body::Kind::text,
      {},
      "text/plain",
      "a network or a JA4 fingerprint and a reason a line, or {\"source\" or \"ja4\", \"for\", "
      "\"until\", \"reason\"}"};
  endpoint.answers = ban_answers();
  return endpoint;
}

Endpoint lift_endpoint() {
  Endpoint endpoint;
  endpoint.summary = "Lift a ban, which does not count for the next one, or a throttle";
  endpoint.path = "/v1/bans/{source}";
  endpoint.path_parameters = {{"source", schema::string("or ja4, as it stands in the list")}};
  endpoint.answers = ban_answers();
  return endpoint;
}

Endpoint bans_endpoint() {
  Endpoint endpoint;
  endpoint.summary = "The bans that hold, those that zones have begun among them";
  endpoint.path = "/v1/bans";
  endpoint.query = {
      {"after", schema::string("the `next` of the page before")},
      {"count", schema::integer(1, kMostOnAPage, "how many; 100 if not said")},
      {"address", schema::string("only bans that hold this address")},
      {"origin", schema::string("only those whose origin begins so: zone, import, signal")}};
  endpoint.answers = {
      {200, schema::object({{"total", schema::count("that hold")},
                            {"bans", schema::array(ban_schema())},
                            {"fingerprints",
                             schema::array(fingerprint_ban_schema(), "all of them, on each page")},
                            {"next?", schema::string("where to go on")}})}};
  return endpoint;
}

Endpoint export_endpoint() {
  Endpoint endpoint;
  endpoint.summary = "The bans that hold, as import takes them";
  endpoint.path = "/v1/bans/export";
  endpoint.answers = {{200, schema::text_answer("application/x-ndjson", "one ban a line")}};
  return endpoint;
}

}  // namespace

Endpoints ban_endpoints(BanBook& book, const Ask& asked, const LiftThrottles& lift_throttles) {
  const auto lift = [lift_throttles](BanBook& one, const Call& call, httplib::Response& response) {
    delete_ban(one, lift_throttles, call, response);
  };
  const auto asking = [&asked](auto handle) {
    return [ask = asked, handle](BanBook& one, const Call& call, httplib::Response& response) {
      handle(one, ask, call, response);
    };
  };
  const auto made = [&book](Endpoint endpoint, const char* method, Role role, auto handle) {
    endpoint.method = method;
    endpoint.role = role;
    endpoint.handle = [&book, handle](const Call& call, httplib::Response& response) {
      handle(book, call, response);
    };
    return endpoint;
  };
  return {made(bans_endpoint(), "GET", Role::viewer, get_bans),
          made(export_endpoint(), "GET", Role::operator_, get_export),
          made(ban_endpoint(), "POST", Role::operator_, asking(post_ban)),
          made(import_endpoint(), "POST", Role::operator_, asking(post_import)),
          made(lift_endpoint(), "DELETE", Role::operator_, lift)};
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Everything that the dam knows of one address, and in words what comes of it.
#include <algorithm>
#include <ctime>

#include "controlplane/api/ban_json.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/bans/fingerprint_book.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/policy/quantity.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

constexpr uint64_t kNsOfMs = 1'000'000;
constexpr uint64_t kNsOfSecond = 1'000'000'000;

std::string moment_text(int64_t unix_s) {
  const auto time = static_cast<time_t>(unix_s);
  tm parts{};
  char text[40] = "";
  gmtime_r(&time, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

// "42m10s (at 2026-01-02 03:04:05 UTC)"
std::string until_text(int64_t unix_s, int64_t now_unix) {
  const auto left = static_cast<uint64_t>(std::max<int64_t>(unix_s - now_unix, 1));
  return duration_text(left * 1'000'000'000) + " (until " + moment_text(unix_s) + ")";
}

std::string entry_with(const std::vector<Network>& list, const Address& address) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const Network& one) { return one.contains(address); });
  return found == list.end() ? "" : found->masked().text();
}

// What is known, before it is put into words.
struct Known {
  std::string allowed_by;
  std::string denied_by;
  std::vector<KeptBan> bans;
  std::vector<FingerprintBan> of_kinds;
  std::optional<v1::Explanation> dataplane;
  std::optional<SourceThrottle> throttle;
};

Json standing_json(const v1::Standing& zone) {
  Network source;
  source.address.v6 = zone.source().address().size() == 16;
  zone.source().address().copy(reinterpret_cast<char*>(source.address.bytes.data()), 16);
  source.prefix_bits = static_cast<uint8_t>(zone.source().prefix_bits());
  Json json = {{"zone", zone.zone()},
               {"source", source.text()},
               {"mode", zone.shadow() ? "shadow" : "enforce"},
               {"connections", zone.connections()},
               {"violations", zone.violations()}};
  if (zone.connections_most() != 0) json["connections_most"] = zone.connections_most();
  if (zone.violations_most() != 0) json["violations_most"] = zone.violations_most();
  if (zone.banned_until_unix_ms() != 0) json["banned_until"] = zone.banned_until_unix_ms() / 1000;
  json["buckets"] = Json::array();
  for (const v1::Level& level : zone.levels()) {
    json["buckets"].push_back({{"bucket", level.bucket()},
                               {"used_percent", level.used_permille() / 10},
                               {"wait_ms", level.wait_ns() / kNsOfMs}});
  }
  return json;
}

// Zones that do not take it now: a sentence each, and the moment at which the last one does.
std::string words_of_zones(const v1::Explanation& seen, int64_t now_unix, int64_t& let_in) {
  std::string words;
  const auto say = [&words](const std::string& sentence) {
    words += (words.empty() ? "" : "; ") + sentence;
  };
  for (const v1::Standing& zone : seen.zones()) {
    const std::string name = "zone " + zone.zone();
    if (zone.shadow()) continue;
    if (zone.banned_until_unix_ms() != 0) {
      const auto until = static_cast<int64_t>(zone.banned_until_unix_ms() / 1000);
      let_in = std::max(let_in, until);
      say(name + " has banned it for " + until_text(until, now_unix));
      continue;
    }
    for (const v1::Level& level : zone.levels()) {
      if (level.wait_ns() == 0) continue;
      const auto wait_s = static_cast<int64_t>(level.wait_ns() / 1'000'000'000) + 1;
      let_in = std::max(let_in, now_unix + wait_s);
      say("it is over the limit of " + level.bucket() + " of " + name + ": one more in " +
          std::to_string(level.wait_ns() / kNsOfMs) + "ms");
    }
    if (zone.connections_most() != 0 && zone.connections() >= zone.connections_most()) {
      say("it has all " + std::to_string(zone.connections()) + " connections that " + name +
          " allows: it must close one");
    }
  }
  return words;
}

// What was refused to it of late since its client is of a kind that still is banned.
std::string words_of_kinds(const Known& known, int64_t now_unix) {
  for (const v1::RecentDrop& drop : known.dataplane->drops()) {
    if (drop.reason() != drop_name(DAM_DROP_banned_fingerprint)) continue;
    for (const FingerprintBan& ban : known.of_kinds) {
      if (!matches_ja4(ban.ja4, drop.ja4())) continue;
      return "; but clients of its kind are refused in the service zones, as it was " +
             duration_text(std::max<uint64_t>(drop.ago_ms() / 1000, 1) * 1'000'000'000) +
             " ago: its fingerprint " + drop.ja4() + " is banned " +
             (ban.until_unix == BanTerms::kForEver
                  ? "for ever"
                  : "for " + until_text(ban.until_unix, now_unix)) +
             " by " + ban.author + (ban.reason.empty() ? "" : ": " + ban.reason) +
             ". To lift it: damctl unban '" + ban.ja4 + "'";
    }
  }
  return {};
}

// What servers' signals have left it for a while.
std::string words_of_throttle(const Known& known) {
  if (!known.throttle) return {};
  const SourceThrottle& throttle = *known.throttle;
  const uint64_t left_s = throttle.until_ns / kNsOfSecond + 1;
  return "; it has " + std::to_string(throttle.to_percent) +
         "% of the service zones' rates for another " + duration_text(left_s * kNsOfSecond) +
         " by the signals of " + throttle.server + " (rule " + throttle.rule +
         "). To lift it: damctl unban " + throttle.source.text();
}

// `let_in`: Unix time, s; 0: now, INT64_MAX: not by itself.
std::string words_of(const Known& known, int64_t now_unix, int64_t& let_in) {
  if (!known.allowed_by.empty()) {
    return "let in: it is on the admin list (" + known.allowed_by +
           "), which no ban and no deny list touches";
  }
  if (!known.denied_by.empty()) {
    let_in = INT64_MAX;
    return "kept out: it is on the deny list of the policy (" + known.denied_by +
           "), until that is changed";
  }
  const KeptBan* longest = nullptr;
  for (const KeptBan& ban : known.bans) {
    if (ban.of_zone) continue;  // the dataplane says so
    const bool wider = longest != nullptr && ban.everywhere() && longest->in_services;
    const bool narrower = longest != nullptr && ban.in_services && longest->everywhere();
    if (longest == nullptr || wider || (!narrower && ban.until_unix > longest->until_unix)) {
      longest = &ban;
    }
  }
  if (longest != nullptr) {
    let_in = longest->until_unix;
    const std::string end = longest->until_unix == KeptBan::kForEver
                                ? "for ever"
                                : "for " + until_text(longest->until_unix, now_unix);
    const char* where = longest->in_services ? " of the service zones" : "";
    return std::string("kept out") + where + ": " + longest->source.text() + " is banned " + end +
           " by " + longest->author + " (" + longest->origin + ")" +
           (longest->reason.empty() ? "" : ": " + longest->reason) + ". To lift it: damctl unban " +
           longest->source.text();
  }
  if (!known.dataplane) {
    return "no list and no ban names it; the dataplane does not answer, so what its zones hold "
           "against it is not known";
  }
  const std::string words = words_of_zones(*known.dataplane, now_unix, let_in);
  const std::string of_kinds = words_of_kinds(known, now_unix) + words_of_throttle(known);
  if (!words.empty()) return "held back: " + words + of_kinds;
  std::string by_kind;
  for (const std::string& zone : known.dataplane->zones_by_kind()) {
    by_kind += (by_kind.empty() ? "" : ", ") + zone;
  }
  if (!of_kinds.empty()) return "let in: nothing holds the address back now" + of_kinds;
  if (by_kind.empty()) return "let in: nothing holds it back now";
  return "let in: nothing holds the address back now; what " + by_kind +
         " holds against its kind of client is not known here: damctl top --by fingerprints";
}

Known known_of(const ApiParts& parts, const Address& address) {
  Known known;
  const auto running = parts.policy.current();
  if (running) {
    known.allowed_by = entry_with(running->policy->admin, address);
    known.denied_by = entry_with(running->policy->deny, address);
  }
  BanBook::Query query;
  query.address = address;
  query.count = 200;
  known.bans = parts.bans.list(query).bans;
  known.of_kinds = parts.bans.fingerprints().list();
  v1::Request request;
  if (parts.throttle_of) known.throttle = parts.throttle_of(address);
  request.mutable_explain()->set_address(address.wire());
  std::string wrong;
  const auto reply = parts.ask_dataplane(request, wrong);
  if (reply && reply->ok()) known.dataplane = reply->explanation();
  return known;
}

std::string text_of(const std::string& reason) {
  for (int i = 0; i < DAM_DROP_COUNT; ++i) {
    if (reason == drop_name(i)) return drop_text(i);
  }
  return {};
}

Json drop_json(const v1::RecentDrop& drop) {
  Json json = {{"reason", drop.reason()}, {"text", text_of(drop.reason())},
               {"zone", drop.zone()},     {"count", drop.count()},
               {"ago_ms", drop.ago_ms()}, {"proven", drop.proven()}};
  if (!drop.ja4().empty()) json["ja4"] = drop.ja4();
  return json;
}

Json explanation_json(const Known& known, const Address& address) {
  const auto now_unix = static_cast<int64_t>(std::time(nullptr));
  int64_t let_in = 0;
  const std::string words = words_of(known, now_unix, let_in);
  Json json = {{"address", address.text()}, {"verdict", words}};
  if (let_in == 0) json["let_in"] = "now";
  if (let_in == INT64_MAX) json["let_in"] = "not by itself";
  if (!json.contains("let_in")) json["let_in"] = moment_text(let_in);
  if (!known.allowed_by.empty()) json["allowed_by"] = known.allowed_by;
  if (!known.denied_by.empty()) json["denied_by"] = known.denied_by;
  json["bans"] = Json::array();
  for (const KeptBan& ban : known.bans) json["bans"].push_back(ban_json(ban));
  json["dataplane_answers"] = known.dataplane.has_value();
  json["drops"] = Json::array();
  if (known.dataplane) {
    for (const v1::RecentDrop& drop : known.dataplane->drops())
      json["drops"].push_back(drop_json(drop));
  }
  if (known.throttle) {
    json["throttle"] = {{"to_percent", known.throttle->to_percent},
                        {"for_s", known.throttle->until_ns / kNsOfSecond + 1},
                        {"server", known.throttle->server},
                        {"rule", known.throttle->rule}};
  }
  json["zones"] = Json::array();
  uint64_t connections = 0;
  if (known.dataplane) {
    json["dropped_as_banned"] = known.dataplane->banned() && !known.dataplane->allowed();
    for (const v1::Standing& zone : known.dataplane->zones()) {
      json["zones"].push_back(standing_json(zone));
      connections += zone.connections();
    }
  }
  json["connections"] = connections;
  return json;
}

Json explanation_schema() {
  const Json bucket = schema::object({{"bucket", schema::string()},
                                      {"used_percent", schema::integer(0, 100)},
                                      {"wait_ms", schema::any("until one more passes")}});
  const Json zone =
      schema::object({{"zone", schema::string()},
                      {"source", schema::string("what the zone takes for one source")},
                      {"mode", schema::one_of({"enforce", "shadow"})},
                      {"connections", schema::count("open now")},
                      {"connections_most?", schema::count()},
                      {"violations", schema::count("within the zone's time")},
                      {"violations_most?", schema::count("then it bans")},
                      {"banned_until?", schema::count("Unix time, s")},
                      {"buckets", schema::array(bucket)}});
  const Json throttle = schema::object({{"to_percent", schema::integer(1, 99)},
                                        {"for_s", schema::count("that are left")},
                                        {"server", schema::string("whose signals were too many")},
                                        {"rule", schema::string("of signals.rules")}});
  const Json drop = schema::object(
      {{"reason", schema::string("as in GET /v1/drops")},
       {"text", schema::string("the reason, for people")},
       {"zone", schema::string()},
       {"count", schema::count("about, where they were many")},
       {"ago_ms", schema::count("the last one")},
       {"proven", schema::boolean("else the address may have been forged by another")},
       {"ja4?", schema::string("of the last one whose ClientHello was read")}});
  return schema::object({{"address", schema::string()},
                         {"verdict", schema::string("what comes of it all, in words")},
                         {"let_in", schema::string("now, a moment, or: not by itself")},
                         {"allowed_by?", schema::string("entry of the admin list")},
                         {"denied_by?", schema::string("entry of the deny list")},
                         {"bans", schema::array(ban_schema())},
                         {"dataplane_answers", schema::boolean()},
                         {"dropped_as_banned?", schema::boolean("by the dataplane, now")},
                         {"drops", schema::array(drop, "of the last 10 minutes, the latest first")},
                         {"throttle?", throttle},
                         {"zones", schema::array(zone, "that remember the address")},
                         {"connections", schema::count("open now")}});
}

}  // namespace

Endpoints explain_endpoints(const ApiParts& parts) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = "/v1/explain/{address}";
  endpoint.role = Role::viewer;
  endpoint.summary = "Everything that the dam knows of an address";
  endpoint.path_parameters = {{"address", schema::string("an IPv4 or IPv6 address")}};
  endpoint.answers = {{200, explanation_schema()}};
  endpoint.handle = [parts](const Call& call, httplib::Response& response) {
    const std::string text = call.parameter("address", std::string());
    const auto address = parse_address(text);
    if (!address) {
      return answer(response, 400,
                    error_body(text.substr(0, 60) + " is not an address",
                               "write one address, e.g. 198.51.100.7"));
    }
    answer(response, 200, explanation_json(known_of(parts, *address), *address));
  };
  return {endpoint};
}

}  // namespace dam::control

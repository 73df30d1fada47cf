// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/similar_query.h"

#include <charconv>
#include <ctime>

#include "controlplane/api/problem_json.h"
#include "controlplane/policy/quantity.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfSimilarSecond = 1'000'000'000;
constexpr int64_t kUsualOver_s = 3600;
constexpr double kWholePercent = 100;

// The schema has seen to its shape.
double read_percent(const std::string& text) {
  double percent = 0;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  return percent / kWholePercent;
}

}  // namespace

Json within_schema() {
  return schema::matching("^[0-9]{1,2}(\\.[0-9]{1,2})?%?$",
                          "a distance, e.g. 7.5%; lookalikes.within if not said");
}

Json over_schema() {
  return schema::matching("^[0-9hmsd]{2,20}$",
                          "only sources that did something in this time; 1h if not said");
}

std::vector<Parameter> similar_parameters() {
  return {{"within", within_schema()}, {"over", over_schema()}};
}

std::optional<SimilarQuery> read_similar_query(const Lookalikes& lookalikes,
                                               const std::string& address, const Json& how,
                                               size_t count, httplib::Response& response) {
  const auto refuse = [&response](int status, const std::string& message, const char* hint) {
    answer(response, status, error_body(message, hint));
    return std::nullopt;
  };
  const auto client = parse_address(address);
  if (!client) {
    return refuse(400, address.substr(0, 60) + " is not an address",
                  "write one address, e.g. 198.51.100.7");
  }
  SimilarQuery query;
  query.count = count;
  query.within = lookalikes.usual_distance();
  if (how.contains("within")) query.within = read_percent(how["within"].get<std::string>());
  int64_t over_s = kUsualOver_s;
  if (how.contains("over")) {
    const auto over = parse_duration_ns(how["over"].get<std::string>());
    if (!over.value) return refuse(400, "over is no time", "write e.g. 90s, 1h30m or 2d");
    over_s = static_cast<int64_t>(*over.value) / kNsOfSimilarSecond;
  }
  query.since_unix_s = static_cast<int64_t>(std::time(nullptr)) - over_s;
  try {
    query.source = lookalikes.source_with(*client);
  } catch (const NoLookalikes& error) {
    return refuse(503, error.what(), "the section Look-alikes of OPERATING.md says what it takes");
  }
  return query;
}

std::optional<SimilarAnswer> ask_similar(const Lookalikes& lookalikes, const SimilarQuery& query,
                                         httplib::Response& response) {
  try {
    SimilarAnswer known = lookalikes.similar(query);
    if (!known.of.empty()) return known;
    answer(response, 404,
           error_body("nothing is known of the behaviour of " + query.source.text(),
                      "a source is known once a window has ended in which it has done something "
                      "three times"));
  } catch (const NoLookalikes& error) {
    answer(response, 503, error_body(error.what(), "damctl metrics shows dam_lookalikes_*"));
  }
  return std::nullopt;
}

}  // namespace dam::control

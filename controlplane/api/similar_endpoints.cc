// SPDX-License-Identifier: BSD-3-Clause
// Which sources behave like one, and the end of what is known of one.
#include <ctime>

#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/api/similar_json.h"
#include "controlplane/api/similar_query.h"

namespace dam::control {

namespace {

constexpr int64_t kMostSimilar = 1000;

void get_similar(const Lookalikes& lookalikes, const Call& call, httplib::Response& response) {
  auto query =
      read_similar_query(lookalikes, call.parameter("address", std::string()), call.parameters,
                         static_cast<size_t>(call.parameter<int64_t>("count", 20)), response);
  if (!query) return;
  const auto known = ask_similar(lookalikes, *query, response);
  if (!known) return;
  const KnownBehaviour& of = known->of[0];
  Json body = known_json(of);
  body["behaviour"] = features_json(of.behaviour);
  body["within"] = percent_of(query->within);
  body["similar"] = Json::array();
  for (const KnownBehaviour& one : known->similar) {
    Json json = known_json(one);
    json["distance"] = percent_of(one.distance);
    json["share"] = shared_json(of, one, *known);
    body["similar"].push_back(std::move(json));
  }
  answer(response, 200, body);
}

void delete_behaviour(Lookalikes& lookalikes, const Call& call, httplib::Response& response) {
  const std::string text = call.parameter("source", std::string());
  const auto source = parse_network(text);
  if (!source) {
    return answer(response, 400,
                  error_body(text.substr(0, 60) + " is no address or network",
                             "write e.g. 198.51.100.7 or 2001:db8:7::/64"));
  }
  try {
    // No row is of less than what the policy takes for one source.
    const Network one = lookalikes.source_with(source->address);
    const Network whole = source->prefix_bits > one.prefix_bits ? one : source->masked();
    answer(response, 200, {{"source", whole.text()}, {"windows", lookalikes.forget(whole)}});
  } catch (const NoLookalikes& error) {
    answer(response, 503, error_body(error.what(), "damctl metrics"));
  }
}

Endpoint similar_endpoint() {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = "/v1/similar/{address}";
  endpoint.role = Role::operator_;
  endpoint.summary = "The sources that behave most like this one";
  endpoint.path_parameters = {{"address", schema::string("an IPv4 or IPv6 address")}};
  endpoint.query = similar_parameters();
  endpoint.query.push_back(
      {"count", schema::integer(1, kMostSimilar, "how many at most; 20 if not said")});
  endpoint.answers = {{200, similar_schema()},
                      {404, schema::any("nothing is known of its behaviour")},
                      {503, schema::any("the policy wants none, or the database is away")}};
  return endpoint;
}

Endpoint forget_endpoint() {
  Endpoint endpoint;
  endpoint.method = "DELETE";
  endpoint.path = "/v1/behaviour/{source}";
  endpoint.role = Role::operator_;
  endpoint.summary = "Erase what is known of a source's behaviour";
  endpoint.path_parameters = {{"source", schema::string("an address or a network")}};
  endpoint.answers = {
      {200, schema::object({{"source", schema::string("what the policy takes for one source")},
                            {"windows", schema::count("that were erased")}})},
      {503, schema::any("the policy wants none, or the database is away and still has it")}};
  return endpoint;
}

}  // namespace

Endpoints similar_endpoints(Lookalikes& lookalikes) {
  Endpoint similar = similar_endpoint();
  similar.handle = [&lookalikes](const Call& call, httplib::Response& response) {
    get_similar(lookalikes, call, response);
  };
  Endpoint forget = forget_endpoint();
  forget.handle = [&lookalikes](const Call& call, httplib::Response& response) {
    delete_behaviour(lookalikes, call, response);
  };
  return {similar, forget};
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// The sources that have the most of something now, and how far the numbers can be off.
#include "controlplane/api/dataplane_endpoint.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

constexpr int kMostSources = 100;

Json top_schema() {
  using namespace schema;
  const Json source =
      object({{"client?", string("an IPv4 address, or an IPv6 /64")},
              {"ja4?", string("instead of the client: by fingerprints")},
              {"value", count("over the span; never too low but for sampling")},
              {"error", count("so much of it may be others': the sketch has no more room")},
              {"sampling", count("twice the standard error of sampling; 0: each was seen")},
              {"per_second", number()}});
  return object({{"by", string()},
                 {"span_ms", count("what the values are counted over")},
                 {"total", count("of all sources")},
                 {"unlisted_most", count("what one that is not held can have had")},
                 {"lost", count("sights since the dataplane began that found no room")},
                 {"sources", array(source, "the most first; proven ones alone")}});
}

Json source_json(const v1::TopSource& source, uint64_t span_ms) {
  const auto network = read_subnet(source.source());
  const bool one = network && network->prefix_bits == (network->address.v6 ? 128 : 32);
  const double seconds = static_cast<double>(span_ms) / 1000;
  Json json = {{"value", source.value()},
               {"error", source.error()},
               {"sampling", source.sampling()},
               {"per_second", seconds > 0 ? static_cast<double>(source.value()) / seconds : 0}};
  if (!source.ja4().empty()) {
    json["ja4"] = source.ja4();
  } else {
    json["client"] = !network ? "" : one ? network->address.text() : network->text();
  }
  return json;
}

void get_top(const Ask& ask, const Call& call, httplib::Response& response) {
  v1::Request request;
  v1::TopQuery& query = *request.mutable_top();
  query.set_by(call.parameter("by", std::string("packets")));
  query.set_most(static_cast<uint32_t>(call.parameter<int64_t>("count", 20)));
  std::string wrong;
  const auto reply = ask(request, wrong);
  if (!reply || !reply->ok()) {
    return not_reached(wrong, response);
  }
  const v1::Top& top = reply->top();
  Json sources = Json::array();
  for (const v1::TopSource& source : top.sources()) {
    sources.push_back(source_json(source, top.span_ms()));
  }
  answer(response, 200,
         {{"by", query.by()},
          {"span_ms", top.span_ms()},
          {"total", top.total()},
          {"unlisted_most", top.unlisted_most()},
          {"lost", top.lost()},
          {"sources", std::move(sources)}});
}

}  // namespace

Endpoints top_endpoints(const Ask& asked) {
  Endpoint endpoint =
      dataplane_endpoint("GET", "/v1/top", Role::viewer,
                         "The sources with the most over the last 10 to 20 seconds", top_schema());
  endpoint.query = {
      {"by", schema::one_of(top_measures(), "packets if not said")},
      {"count", schema::integer(1, kMostSources, "how many at most; 20 if not said")}};
  endpoint.handle = [ask = asked](const Call& call, httplib::Response& response) {
    get_top(ask, call, response);
  };
  return {endpoint};
}

}  // namespace dam::control

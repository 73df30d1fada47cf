// SPDX-License-Identifier: BSD-3-Clause
// Connections: which there are, how many, and the end of some.
#include <array>

#include "controlplane/api/dataplane_endpoint.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/flow_scan.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/policy/subnet.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

constexpr uint32_t kMostEnded = 4096;  // by one request: the worker's queue

constexpr std::array kFilters = {"client", "zone", "server", "listener", "state", "ja4"};

Json flow_schema() {
  using namespace schema;
  const Json requests =
      object({{"count", count()},
              {"gap_ms", count("smoothed, between one and the next")},
              {"gap_deviation_ms", count("likewise, from that")},
              {"first_bytes", count("of the first one's head")}},
             "of a TLS client whose zone limits them, as the sizes of its records "
             "tell");
  return object(
      {{"id", matching("^[0-9a-f]{16}$", "also the second half of UNIQUE_ID in its PROXY header")},
       {"client", string()},
       {"client_port", integer(0, 65535)},
       {"source_port", integer(0, 65535, "towards the server; 0: none yet")},
       {"listener", string()},
       {"zone", string()},
       {"server", string("empty: not chosen yet")},
       {"state", one_of({"hello", "connect", "deliver", "established"})},
       {"closing", boolean("a FIN or RST was seen")},
       {"silent_ms", count("since its last packet")},
       {"ja4", string("the client's fingerprint; empty: it has shown none")},
       {"requests?", requests}});
}

// As the UNIQUE_ID has it: byte by byte.
std::string id_text(uint64_t id) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (int byte = 0; byte < 8; ++byte, id >>= 8) {
    text += kDigits[id >> 4 & 15];
    text += kDigits[id & 15];
  }
  return text;
}

uint64_t id_of(const std::string& text) {
  uint64_t id = 0;
  for (int byte = 7; byte >= 0; --byte) {
    id = id << 8 | std::stoul(text.substr(static_cast<size_t>(byte) * 2, 2), nullptr, 16);
  }
  return id;
}

Json requests_json(const v1::Requests& requests) {
  return {{"count", requests.count()},
          {"gap_ms", requests.gap_ms()},
          {"gap_deviation_ms", requests.gap_deviation_ms()},
          {"first_bytes", requests.first_bytes()}};
}

Json flow_json(const v1::Flow& flow) {
  const auto client = read_subnet(flow.client());
  Json view = {{"id", id_text(flow.id())},
               {"client", client ? client->address.text() : ""},
               {"client_port", flow.client_port()},
               {"source_port", flow.source_port()},
               {"listener", flow.listener()},
               {"zone", flow.zone()},
               {"server", flow.server()},
               {"state", flow.state()},
               {"closing", flow.closing()},
               {"silent_ms", flow.silent_ms()},
               {"ja4", flow.ja4()}};
  if (flow.has_requests()) view["requests"] = requests_json(flow.requests());
  return view;
}

// False after a 400: the client is no address or network, or the fingerprint is none.
bool read_filter(const Call& call, v1::FlowQuery& query, httplib::Response& response) {
  query.set_zone(call.parameter("zone", std::string()));
  query.set_server(call.parameter("server", std::string()));
  query.set_listener(call.parameter("listener", std::string()));
  query.set_state(call.parameter("state", std::string()));
  query.set_ja4(call.parameter("ja4", std::string()));
  if (!query.ja4().empty() && !is_ja4_pattern(query.ja4())) {
    answer(response, 400,
           error_body("ja4 is no fingerprint", "e.g. ja4=t13d1516h2_8daaf6152771_*"));
    return false;
  }
  if (!call.parameters.contains("client")) return true;
  const auto network = parse_network(call.parameter("client", std::string()));
  if (!network) {
    answer(response, 400,
           error_body("client is no address or network", "e.g. client=198.51.100.0/24"));
    return false;
  }
  write_subnet(network->masked(), *query.mutable_client());
  return true;
}

void get_flows(const Ask& ask, const Call& call, httplib::Response& response) {
  v1::FlowQuery query;
  if (!read_filter(call, query, response)) return;
  const auto most = static_cast<uint32_t>(call.parameter<int64_t>("count", 100));
  FlowScan scan(ask, std::move(query));
  Json flows = Json::array();
  uint64_t matched = 0;
  do {
    if (!scan.step(most - static_cast<uint32_t>(flows.size()))) {
      return not_reached(scan.wrong, response);
    }
    for (const v1::Flow& flow : scan.part.flows()) flows.push_back(flow_json(flow));
    matched += scan.part.matched();
  } while (scan.more());
  answer(response, 200, {{"matched", matched}, {"flows", flows}});
}

bool end(const Ask& ask, v1::Request& request, uint64_t& ended, httplib::Response& response) {
  std::string wrong;
  const auto reply = ask(request, wrong);
  if (!reply || !reply->ok()) {
    not_reached(wrong, response);
    return false;
  }
  ended += reply->flows().matched();
  return true;
}

void end_matching(const Ask& ask, const Call& call, httplib::Response& response) {
  v1::FlowQuery query;
  if (!read_filter(call, query, response)) return;
  bool chosen = call.parameter("all", false);
  for (const char* filter : kFilters) chosen |= call.parameters.contains(filter);
  if (!chosen) {
    return answer(response, 400,
                  error_body("which connections?", "e.g. ?client=198.51.100.7, or ?all=1"));
  }
  FlowScan scan(ask, std::move(query));
  uint64_t ended = 0;
  bool full = false;
  do {
    if (!scan.step(kMostEnded)) return not_reached(scan.wrong, response);
    v1::Request request;
    for (const v1::Flow& flow : scan.part.flows()) request.mutable_end_flows()->add_ids(flow.id());
    const uint64_t before = ended;
    const int asked = request.end_flows().ids_size();
    if (asked > 0 && !end(ask, request, ended, response)) return;
    // The worker's queue is full, or some of them have ended by themselves.
    full = ended - before < static_cast<uint64_t>(asked);
  } while (scan.more() && !full && ended < kMostEnded);
  answer(response, 200, {{"ended", ended}, {"more", full || scan.more()}});
}

void end_one(const Ask& ask, const Call& call, httplib::Response& response) {
  v1::Request request;
  request.mutable_end_flows()->add_ids(id_of(call.parameter("id", std::string())));
  uint64_t ended = 0;
  if (!end(ask, request, ended, response)) return;
  if (ended == 0) {
    return answer(response, 404,
                  error_body("no such connection lives, or too many are ending",
                             "which there are: damctl flows"));
  }
  answer(response, 200, {{"ended", ended}, {"more", false}});
}

std::vector<Parameter> filter_parameters() {
  return {
      {"client", schema::string("an address or a network")},
      {"zone", schema::string("a zone's name")},
      {"server", schema::string("a server's name")},
      {"listener", schema::string("a listener's name")},
      {"ja4", schema::string("a JA4 fingerprint; a part may be *")},
      {"state", schema::one_of({"hello", "connect", "deliver", "established"}, "how far it is")}};
}

Json ended_schema() {
  return schema::object(
      {{"ended", schema::count("so many end within a moment, reset at both ends")},
       {"more", schema::boolean("not all were looked at: ask again")}});
}

}  // namespace

Endpoints flow_endpoints(const Ask& asked) {
  Endpoint list =
      dataplane_endpoint("GET", "/v1/flows", Role::viewer, "Connections, and how many there are",
                         schema::object({{"matched", schema::count("all of them")},
                                         {"flows", schema::array(flow_schema())}}));
  list.query = filter_parameters();
  list.query.push_back({"count", schema::integer(0, 1000, "how many at most; 100 if not said")});
  Endpoint some =
      dataplane_endpoint("DELETE", "/v1/flows", Role::operator_, "End connections", ended_schema());
  some.query = filter_parameters();
  some.query.push_back({"all", schema::boolean("without any filter")});
  Endpoint one = dataplane_endpoint("DELETE", "/v1/flows/{id}", Role::operator_,
                                    "End one connection", ended_schema());
  one.path_parameters = {{"id", schema::matching("^[0-9a-f]{16}$", "of GET /v1/flows")}};
  const auto handled = [&asked](Endpoint endpoint, auto handle) {
    endpoint.handle = [ask = asked, handle](const Call& call, httplib::Response& response) {
      handle(ask, call, response);
    };
    return endpoint;
  };
  return {handled(list, get_flows), handled(some, end_matching), handled(one, end_one)};
}

}  // namespace dam::control

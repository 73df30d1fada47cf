// SPDX-License-Identifier: BSD-3-Clause
// What applications tell of their clients.
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr size_t kMostSignalsAtOnce = 1000;
constexpr int64_t kMostSignalStatus = 999;

// Nothing after a 422.
std::optional<std::vector<Signal>> read_signals(const Json& list, httplib::Response& response) {
  std::vector<Signal> signals;
  const auto refuse = [&response](size_t place, const std::string& message,
                                  const std::string& hint) {
    answer(response, 422,
           error_body("signals[" + std::to_string(place) + "]: " + message,
                      hint + "; none of them counts"));
    return std::nullopt;
  };
  for (const Json& one : list) {
    const auto client = signal_client(one["client"].get<std::string>());
    if (!client) return refuse(signals.size(), "client is no address of a host", "198.51.100.7");
    Signal signal{*client, static_cast<uint16_t>(one.value("status", 0))};
    signal.path = normal_path(one.value("path", ""));
    signal.class_name = one.value("class", "");
    signals.push_back(std::move(signal));
  }
  return signals;
}

void post_signals(Signals& signals, const Call& call, httplib::Response& response) {
  const Json& list = call.body["signals"];
  if (list.size() > kMostSignalsAtOnce) {
    return answer(response, 422,
                  error_body("more than " + std::to_string(kMostSignalsAtOnce) + " signals",
                             "send them in several requests"));
  }
  if (!signals.has_rules()) {
    return answer(response, 409,
                  error_body("the policy has no rules for signals", "signals in dam.yaml"));
  }
  const auto read = read_signals(list, response);
  if (!read) return;
  const Signals::Taken taken = signals.take(call.caller.name, *read);
  answer(response, 200,
         {{"accepted", taken.accepted}, {"refused", taken.refused}, {"banned", taken.banned}});
}

Json signal_schema() {
  return schema::object({{"client", schema::string("the client's own address")},
                         {"status?", schema::integer(100, kMostSignalStatus, "of HTTP")},
                         {"path?", schema::string("as it was asked for")},
                         {"class?", schema::matching("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                                                     "that the application has for the request")}});
}

}  // namespace

Endpoints signal_endpoints(Signals& signals) {
  Endpoint endpoint;
  endpoint.method = "POST";
  endpoint.path = "/v1/signals";
  endpoint.role = Role::reporter;
  endpoint.summary =
      "Tell of requests that clients have made; the policy's rules say who is banned";
  endpoint.body = {Body::Kind::json,
                   schema::object({{"signals", schema::array(signal_schema(), "at most 1000")}}),
                   "", "what clients did"};
  endpoint.answers = {
      {200, schema::object({{"accepted", schema::count("that count")},
                            {"refused", schema::count("more than one server may send")},
                            {"banned", schema::count("sources that are banned for them")}})},
      {409, schema::any("the policy has no rules for signals")},
      {422, schema::any("one is wrong: none of them counts")}};
  endpoint.handle = [&signals](const Call& call, httplib::Response& response) {
    post_signals(signals, call, response);
  };
  return {endpoint};
}

}  // namespace dam::control

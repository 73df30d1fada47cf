// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/https.h"

#include <prometheus/text_serializer.h>

#include <ctime>

#include "controlplane/metrics/family_builder.h"

namespace dam::control {

namespace {

int64_t seconds_now() { return static_cast<int64_t>(std::time(nullptr)); }

prometheus::MetricFamily expiry_family(const ServerTls::State& state) {
  auto family = gauge("dam_api_certificate_expiry_seconds",
                      "Time until the HTTPS listener's certificates expire; negative: they have.");
  const auto add = [&](const char* which, int64_t at) {
    if (at > 0) family.add(static_cast<double>(at - seconds_now()), {{"certificate", which}});
  };
  add("server", state.server_expires_at);
  add("authority", state.authority_expires_at);
  return family.take();
}

}  // namespace

Https::Https(std::filesystem::path folder, Endpoints endpoints, Trust& trust,
             const ServerTls::Log& log, const RequestRates& rates)
    : folder_(folder),
      audit_(trust.audit),
      tls_(std::move(folder), log),
      server_(
          [&](httplib::Server& server) {
            dam::control::serve(server, std::move(endpoints), network_caller(trust, rates),
                                refusals_to(trust.audit));
          },
          [this] { return tls_.context(); }) {}

std::string Https::serve(const std::string& address, bool public_too) {
  address_ = address;
  return server_.serve_tcp(address, public_too, "--https-public");
}

Json Https::view() const {
  const ServerTls::State state = tls_.state();
  return {{"address", address_},
          {"folder", folder_.string()},
          {"certificate_expires_at", state.server_expires_at},
          {"authority_expires_at", state.authority_expires_at},
          {"trouble", state.trouble},
          {"warning", state.warning(seconds_now())}};
}

Json Https::view_schema() {
  return schema::object(
      {{"address", schema::string("where it listens")},
       {"folder", schema::string("of its certificates")},
       {"certificate_expires_at", schema::integer(0, INT64_MAX, "Unix time, s; 0: there is none")},
       {"authority_expires_at", schema::integer(0, INT64_MAX, "Unix time, s; 0: there is none")},
       {"trouble", schema::string("what keeps it from its certificates; empty: nothing")},
       {"warning", schema::string("what expires soon; empty: nothing")}},
      "the listener for those who come from afar, where there is one");
}

std::string Https::metrics_text() const {
  const BoundedServer::Counts counts = server_.counts();
  const auto one = [](const char* name, const char* help, uint64_t value) {
    auto family = counter(name, help);
    family.add(static_cast<double>(value));
    return family.take();
  };
  return prometheus::TextSerializer().Serialize(
      {expiry_family(tls_.state()),
       one("dam_api_connections_refused_total", "HTTPS connections closed: no place, or too many.",
           counts.connections.refused + counts.too_fast),
       one("dam_api_connections_pushed_out_total",
           "HTTPS connections of nobody known, closed for newer ones.",
           counts.connections.pushed_out),
       one("dam_api_handshakes_failed_total",
           "HTTPS connections without a TLS 1.3 handshake in time.", counts.failed_handshakes),
       one("dam_api_requests_refused_total", "Requests answered with 401, 403 or 429.",
           static_cast<uint64_t>(audit_.refused_times()))});
}

}  // namespace dam::control

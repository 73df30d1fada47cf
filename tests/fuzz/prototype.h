// SPDX-License-Identifier: BSD-3-Clause
// What a dataplane has left behind: tables of a small site with connections, and their view.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/drivers/xdp/view.h"
#include "tests/fuzz/check.h"
#include "tests/unit/engine/standing.h"

namespace dam::fuzz {

using namespace dam::test;

inline constexpr PortRange kPorts = {30000, 30000 + kProbePorts + 99};
inline constexpr uint64_t kIdleNs = kSecond;

// In a zone that counts requests, so that what is known of them is adopted, too.
inline void add_plain_http(Policy& policy) {
  policy.zones[kServiceZone].per_source[DAM_DIM_requests] = dam_gcra_rate_of(10'000, 20);
  Listener http = policy.listeners[0];
  http.name = "http";
  http.port = dam_hton16(80);
  http.protocol = Protocol::http;
  policy.listeners.push_back(http);
}

inline Policy policy_of(const SmallSite& site) {
  Policy policy = site.draft();
  policy.timeouts.idle_ns = policy.timeouts.half_closed_ns = policy.timeouts.closing_ns = kIdleNs;
  policy.timeouts.port_rest_ns = kSecond;
  policy.zones[kServiceZone].per_source_concurrent = 8;
  add_plain_http(policy);
  policy.log_connections_every = 1;
  return policy;
}

// Two of the service and one of management stand, and one of plain HTTP; of a fifth, which is not
// among them, the server is still to take the hello.
inline std::vector<Connection> open_connections(SmallSite& site) {
  std::vector<Connection> standing;
  ClientSide client;
  for (const char* name : {"www.example.org", "manage.example.org", "www.example.org"}) {
    const auto connection = stand(site, client, name);
    check(connection.has_value(), "a connection stands");
    standing.push_back(*connection);
    ++client.port;
    if (standing.size() == 2) client.address = kStranger;
  }
  ClientSide plain;
  plain.address = kStranger;
  plain.port = 41000;
  plain.to_port = 80;
  plain.head = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  const auto connection = stand(site, plain, {});
  check(connection.has_value(), "one of plain HTTP stands");
  standing.push_back(*connection);
  check(establish(site, client, "www.example.org").has_value(), "one waits for its server");
  return standing;
}

// The site with its connections is made once. Then its tables are put back as they were, and an
// engine adopts them: that takes a fifth of the time.
class Prototype {
 public:
  Prototype() : site_(SmallSite::small_limits(), kOutlive, {.ports = kPorts}) {
    site_.apply(policy_of(site_));
    connections_ = open_connections(site_);
    const std::vector<XdpInterface> interfaces(site_.engine().config().interfaces.size());
    fill_view(*view_, *site_.engine().policy(), site_.engine(), interfaces, 16384);
    now_ns_ = site_.now_ns();
    each_table(
        [this](std::span<uint8_t> table) { kept_.emplace_back(table.begin(), table.end()); });
  }

  SmallSite& put_back() {
    auto from = kept_.begin();
    each_table([&](std::span<uint8_t> table) {
      std::copy(from->begin(), from->end(), table.begin());
      ++from;
    });
    site_.rewind(now_ns_);
    return site_;
  }
  const dam_view& view() const { return *view_; }
  const std::vector<Connection>& connections() const { return connections_; }

 private:
  template <class F>
  void each_table(F&& visit) {
    const SharedTables t = site_.tables();
    const auto octets = [](auto table) {
      return std::span<uint8_t>(reinterpret_cast<uint8_t*>(table.data()), table.size_bytes());
    };
    visit(octets(t.flows));
    visit(octets(t.requests));
    visit(octets(t.fingerprints));
    visit(octets(t.source_buckets));
    visit(octets(t.sources));
    visit(octets(t.request_tats_ns));
    visit(octets(t.totals));
    visit(octets(t.neighbours));
    visit(octets(t.macs));
    visit(octets(t.strays));
  }

  SmallSite site_;
  std::vector<Connection> connections_;
  std::unique_ptr<dam_view> view_ = std::make_unique<dam_view>();
  uint64_t now_ns_;
  std::vector<std::vector<uint8_t>> kept_;
};

}  // namespace dam::fuzz

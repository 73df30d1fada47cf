// SPDX-License-Identifier: BSD-3-Clause
// Plain HTTP on a site whose paths lead to several zones.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/engine/standing.h"

namespace dam::test {

// www.example.org: /api/ leads to a zone of five requests a burst, /admin/ to management, the rest
// to one without a limit; other.example.org to one of a hundred.
class RequestZones : public testing::Test {
 protected:
  static constexpr uint8_t kApiZone = 3, kOtherZone = 4;

  static Zone limited(const char* name, uint64_t burst) {
    Zone zone;
    zone.name = name;
    zone.per_source[DAM_DIM_requests] = dam_gcra_rate_of(1'000, burst);
    return zone;
  }
  static std::string get(const std::string& path, const std::string& host = "www.example.org") {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  }
  static RouteRule rule(uint16_t route, const char* name, const char* path) {
    RouteRule made;
    made.route = route;
    made.server_names = {name};
    made.path_prefix = path;
    return made;
  }
  Policy policy() {
    Policy made = site_.draft();
    made.listeners[0].protocol = Protocol::http;
    made.zones.push_back(limited("api", 5));
    made.zones.push_back(limited("other", 100));
    made.routes = {{"pages", 0, kServiceZone, {0}, -1},
                   {"admin", 0, kManagementZone, {1}, -1},
                   {"api", 0, kApiZone, {0}, -1},
                   {"other", 0, kOtherZone, {0}, -1}};
    made.router = Router({rule(0, "www.example.org", ""), rule(1, "www.example.org", "/admin/"),
                          rule(2, "www.example.org", "/api/"), rule(3, "other.example.org", "")});
    return made;
  }
  bool begin(const Policy& policy, const std::string& head, ClientSide client = {}) {
    site_.apply(policy);
    head_ = head;
    client.head = head_;
    const auto stands = stand(site_, client);
    if (stands) connection_ = *stands;
    return stands.has_value();
  }
  // Whether it reached the server.
  bool say(const std::string& octets) {
    const auto seen = site_.send(kFrontPort, connection_.client.segment(kAck, octets));
    const Seen* forwarded = find_tcp(seen, connection_.server_port, kAck);
    const bool passed = forwarded != nullptr && !forwarded->has(DAM_TCP_RST);
    if (passed) connection_.client.next += static_cast<uint32_t>(octets.size());
    return passed;
  }
  int passing(const std::string& octets, int most = 50) {
    int passed = 0;
    while (passed < most && say(octets)) ++passed;
    return passed;
  }
  uint64_t counted(uint8_t zone) { return site_.zone(zone).requests; }

  SmallSite site_{SmallSite::small_limits(), kOutlive};
  Connection connection_;
  std::string head_;
};

}  // namespace dam::test

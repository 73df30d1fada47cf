// SPDX-License-Identifier: BSD-3-Clause
// The site of a run: addresses, servers, and the policy that its seed has drawn.
#pragma once

#include <array>
#include <vector>

#include "dataplane/engine/policy.h"
#include "tests/simulation/environment.h"

namespace dam::simulation {

inline constexpr uint8_t kFrontPort = 0;
inline constexpr uint8_t kServicePort = 1;
inline constexpr uint8_t kManagementPort = 2;
inline constexpr uint16_t kManagementVlan = 20;
enum ZoneSlot : uint8_t { kFrontZone, kLightZone, kManagementZone, kHeavyZone, kZones };
enum ServerSlot : uint16_t { kWebServer, kSecondServer, kAdminServer, kServers };
inline constexpr uint16_t kTlsPort = 443;
inline constexpr uint16_t kHttpPort = 80;
inline constexpr uint16_t kRawPort = 2525;

dam_address make_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
dam_address make_v6(uint16_t net, uint16_t host);  // 2001:db8:<net>::<host>
dam_address public_address(uint8_t family);
dam_address client_address(uint16_t host, uint8_t family);
dam_address server_address(uint16_t slot, uint8_t family);
MacAddress own_mac(uint8_t port);
MacAddress neighbour_mac(uint8_t port);  // of everybody on that link

struct ZonePlan {
  Exceeded exceeded = Exceeded::drop;
  Mode mode = Mode::enforce;
  struct Rate {
    uint64_t per_second_milli = 0;  // 0: no limit
    uint64_t burst = 0;
  };
  std::array<Rate, DAM_DIM_COUNT> per_source{};
  std::array<Rate, DAM_DIM_COUNT> total{};
  uint32_t per_source_concurrent = 0;
  uint32_t total_concurrent = 0;
};

struct Site {
  uint64_t start_ns = 0;  // the engine's clock
  uint32_t workers = 1;
  Limits limits;
  Timeouts timeouts;
  PortRange source_ports;
  std::array<ZonePlan, kZones> zones;
  std::array<ProxyVersion, kServers> proxy{ProxyVersion::v2, ProxyVersion::v1, ProxyVersion::v2};
  uint8_t tlvs = 0;
  bool fallback = false;         // the second server is the fallback, not in the pool
  std::vector<uint16_t> banned;  // clients' hosts, by an operator
  std::vector<uint16_t> denied;
  std::vector<uint16_t> admins;
  uint64_t bans_grown = 0;
  bool speak_first = false;  // servers, as soon as they know to whom
  bool restarts = false;     // its tables outlive the engine
};

Site draw_site(Random& random);
std::vector<Interface> interfaces_of(const Site& site);
Policy policy_of(const Site& site);

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// The policy as the packet path reads it: plain immutable data, built off the path (ipc/), swapped
// whole between two bursts. Indices named *_slot are stable for as long as a flow may refer to
// them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/gcra.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/types.h"
#include "dataplane/core/view.h"
#include "dataplane/engine/prefix_set.h"
#include "dataplane/engine/router.h"

namespace dam {

using MacAddress = std::array<uint8_t, 6>;

struct Subnet {
  dam_address address{};    // the dam's own address
  uint8_t prefix_bits = 0;  // in the 128-bit mapped form: IPv4 /24 is 120
};

// Fixed while the dataplane runs.
struct Interface {
  std::string name;
  uint8_t port = 0;  // the driver's port
  uint16_t vlan = DAM_VLAN_NONE;
  uint16_t mtu = 1500;
  MacAddress mac{};
  std::vector<Subnet> subnets;
  std::vector<dam_address> gateways;  // at most one per family
  // What is not the dam's goes to the host's own stack by the driver, which is also who answers for
  // it there; the dam goes on to answer for its own addresses.
  bool host_path = false;
};

enum class Mode : uint8_t { enforce, shadow };
enum class Exceeded : uint8_t { drop, reset, ban };
// What counts as one source: an address, a kind of clients, or both. Clients that have shown no
// ClientHello are told apart by address alone.
enum class ZoneKey : uint8_t { source, ja4, source_ja4 };

struct Zone {
  std::string name;
  bool management = false;
  Mode mode = Mode::enforce;
  Exceeded exceeded = Exceeded::drop;
  dam_gcra_rate per_source[DAM_DIM_COUNT]{};  // interval 0: no limit
  dam_gcra_rate total[DAM_DIM_COUNT]{};
  uint32_t per_source_concurrent = 0;  // 0: no limit
  uint32_t total_concurrent = 0;
  uint8_t source_bits_v4 = 32;  // what counts as one source
  uint8_t source_bits_v6 = 64;
  ZoneKey key = ZoneKey::source;  // another one does not ban
  uint32_t ban_after = 0;         // violations within ban_within_ns
  uint64_t ban_within_ns = 0;
  uint64_t ban_for_ns = 0;
  bool in_policy = true;  // false: kept for living flows only
  // Derived: requests on its connections are looked for, since it limits them, or a later request
  // of a plain HTTP connection may name a zone that does.
  bool follows_requests = false;
  bool counts_requests() const {
    return (per_source[DAM_DIM_requests].interval_q20 | total[DAM_DIM_requests].interval_q20) != 0;
  }
};

inline constexpr uint32_t kMaxListeners = 1024;  // address and port pairs, retired ones included

enum class Protocol : uint8_t { tls, http, tcp };

struct Listener {
  std::string name;
  dam_address address{};
  dam_be16 port{};
  Protocol protocol = Protocol::tls;
  uint16_t group = 0;      // listeners of one name (several addresses) share their routes
  bool in_policy = false;  // false: kept for living flows only
  uint64_t zone_mask = 0;  // derived: the zones that its routes lead to
  // Derived, of plain HTTP, whose requests are each held to a zone of their own: those of zone_mask
  // that are no management zones; and of these the one that limits requests most strictly, for who
  // does not say where his belong.
  uint64_t request_zones = 0;
  uint8_t strictest_zone = kNoZone;
  static constexpr uint8_t kNoZone = 0xff;
};

enum class ProxyVersion : uint8_t { none, v1, v2 };
enum ProxyTlv : uint8_t { kTlvAlpn = 1, kTlvAuthority = 2, kTlvUniqueId = 4, kTlvCrc32c = 8 };

struct Server {
  std::string name;
  dam_address address[2]{};  // [0] IPv4, [1] IPv6; all zero: none
  dam_be16 port{};
  ProxyVersion proxy = ProxyVersion::v2;
  uint8_t tlvs = 0;  // ProxyTlv bits
  uint16_t weight = 1;
  bool in_policy = false;
};

struct Route {
  std::string name;
  uint16_t listener_group = 0;
  uint8_t zone_slot = 0;
  std::vector<uint16_t> server_slots;  // the pool
  int32_t fallback_slot = -1;          // a server, when no server of the pool is up
};

struct Limits {
  uint32_t flows = 1u << 20;
  uint32_t half_open = 16384;
  uint32_t half_open_per_source = 256;
  uint32_t sources = 1u << 20;
  uint32_t hold_bytes = 64u << 20;
  uint32_t hello_bytes = 16384;
  uint32_t management_share_percent = 10;  // of flows, kept free for management zones
};

struct Timeouts {
  uint64_t hello_ns = 10'000'000'000;
  uint64_t connect_ns = 3'000'000'000;  // one server, SYN retransmissions included
  uint64_t idle_ns = 3'600'000'000'000;
  uint64_t half_closed_ns = 300'000'000'000;
  uint64_t closing_ns = 10'000'000'000;  // after both FINs are acknowledged, or after an RST
  uint64_t port_rest_ns = 10'000'000'000;
  uint64_t probe_interval_ns = 2'000'000'000;
};

struct PortRange {
  uint16_t first = 1024;
  uint16_t last = 65535;
};

struct Policy {
  uint64_t version = 0;
  Limits limits;
  Timeouts timeouts;
  PortRange source_ports;
  uint32_t log_connections_every = 0;  // of those that end one in so many is told; 0: none
  std::vector<Listener> listeners;     // by slot
  std::vector<Server> servers;         // by slot, at most DAM_MAX_SERVERS
  std::vector<Zone> zones;             // by slot, at most DAM_MAX_ZONES; [0] is "front"
  std::vector<Route> routes;           // the router's results are indices into this
  Router router;
  PrefixSet allow;  // admin addresses: never banned, never denied
  PrefixSet deny;
  PrefixSet bans;                    // of operators: not the dam.yaml's, and kept when that changes
  std::vector<Ja4Pattern> ja4_bans;  // likewise; in service zones alone
  uint64_t bans_grown = 0;           // how often bans were added, so far
  uint32_t lists_digest = 0;  // derived, of the lists; not 0. Bans that end leave it as it is:
                              // whom more bans let pass, fewer do
  std::vector<dam_address> listener_addresses;  // derived
  bool follows_requests = false;                // derived: one of the zones does
  // Derived: slots of listeners, + 1, by address and port; a power of two, at most a quarter full.
  std::vector<uint16_t> listener_table = {0};

  // Retired ones included: their flows live on. kNoListener: nobody listens there.
  static constexpr uint16_t kNoListener = 0xffff;
  uint16_t listener_slot(const dam_address& address, dam_be16 port) const {
    const size_t mask = listener_table.size() - 1;
    for (size_t at = dam_address_bucket(&address, port);; ++at) {
      const uint16_t entry = listener_table[at & mask];
      if (entry == 0) return kNoListener;
      const Listener& listener = listeners[entry - 1u];
      if (listener.port.raw == port.raw && dam_address_equal(&listener.address, &address)) {
        return static_cast<uint16_t>(entry - 1);
      }
    }
  }

  void derive();  // fills what is marked derived; the builder's last step

 private:
  void derive_listener_table();
  void derive_zones(Listener& listener) const;
  void derive_followed_zones();
};

}  // namespace dam

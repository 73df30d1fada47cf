// SPDX-License-Identifier: BSD-3-Clause
// dam.yaml as typed values, with defaults filled in and the place that each name was written at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/policy/address.h"
#include "controlplane/policy/problem.h"
#include "controlplane/policy/quantity.h"

namespace dam::control {

enum class Driver { automatic, dpdk, xdp };
enum class Hugepages { automatic, on, off };
enum class Protocol { tls, http, tcp };
enum class Mode { enforce, shadow };
enum class Action { drop, reset, ban };
enum class ZoneKey { source, ja4, source_ja4 };
enum class Proxy { none, v1, v2 };
enum class Tlv { alpn, authority, unique_id, crc32c };

// `broken` marks what could not be read in full: checks of its meaning would only add to the noise.

// One entry of a map whose keys are names, in the order of the file.
template <class V>
struct Named {
  std::string name;
  Mark mark;
  V value;
};
template <class V>
using NamedList = std::vector<Named<V>>;

template <class V>
const Named<V>* find_named(const NamedList<V>& list, std::string_view name) {
  for (const auto& entry : list) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

template <class V>
std::vector<std::string> names_of(const NamedList<V>& list) {
  std::vector<std::string> result;
  for (const auto& entry : list) result.push_back(entry.name);
  return result;
}

struct Interface {
  std::string device;
  std::vector<Located<Network>> addresses;
  std::vector<Located<Address>> gateways;
  uint64_t mtu = 1500;
  uint64_t vlan = 0;
  uint64_t queues = 0;
  std::optional<bool> host_path;
  bool broken = false;
};

struct Limits {
  uint64_t flows = 1'000'000;
  uint64_t half_open = 16'384;
  uint64_t half_open_per_source = 256;
  uint64_t sources = 1'000'000;
  uint64_t hold_bytes = 64 << 20;
  uint64_t hello_bytes = 16 << 10;
  uint32_t management_share_percent = 10;
  Mark mark;
  bool broken = false;
};

struct Xdp {
  bool beside_others = false;
};

struct Dpdk {
  bool bind = false;
  bool unsafe_noiommu = false;
};

struct Timeouts {
  uint64_t hello_ns = 10'000'000'000;
  uint64_t connect_ns = 3'000'000'000;
  uint64_t idle_ns = 3'600'000'000'000;
  uint64_t half_closed_ns = 300'000'000'000;
  uint64_t closing_ns = 10'000'000'000;
  uint64_t port_rest_ns = 10'000'000'000;
  uint64_t probe_interval_ns = 2'000'000'000;
};

struct Listener {
  Located<std::string> name;
  std::vector<Located<Address>> addresses;
  uint64_t port = 0;
  Protocol protocol = Protocol::tls;
  bool broken = false;
};

struct Buckets {
  Rate packets;
  Rate bytes_up;
  Rate bytes_down;
  Rate connections;
  Rate requests;
  uint64_t concurrent = 0;  // 0: no limit
};

struct Ban {
  uint64_t after = 0;
  uint64_t within_ns = 0;
  uint64_t for_ns = 0;
};

struct Exceeded {
  Action action = Action::drop;
  Ban ban;
};

struct Zone {
  bool management = false;
  Mode mode = Mode::enforce;
  Exceeded exceeded;
  Buckets per_source;
  Buckets total;
  ZoneKey key = ZoneKey::source;
  SourcePrefix source_prefix;
  bool broken = false;
};
inline bool limits_requests(const Zone& zone) {
  return zone.per_source.requests.limited() || zone.total.requests.limited();
}

enum class CheckKind { automatic, tcp, tls, http, https };
enum class Coalescing { refuse, allow };

// How the control plane looks at a server.
struct Check {
  CheckKind kind = CheckKind::automatic;
  uint64_t interval_ns = 5'000'000'000;
  uint64_t timeout_ns = 2'000'000'000;
  uint64_t rise = 2;
  uint64_t fall = 3;
  std::string name;           // TLS name and Host; empty: the first name that is routed here
  Located<std::string> path;  // empty: "/"
  std::vector<Located<StatusRange>> expect;  // empty: 200-399
  Located<std::string> ca;                   // "system" or empty, "none", or a file
  std::optional<Located<Address>> client;    // whom its PROXY header names; none: nobody
  Coalescing coalescing = Coalescing::refuse;
  Mark mark;
  bool broken = false;
};

struct Server {
  std::vector<Located<Address>> addresses;
  uint64_t port = 0;
  Proxy proxy = Proxy::v2;
  std::vector<Located<Tlv>> tlvs;
  uint64_t weight = 1;
  std::optional<Check> check;
  bool broken = false;
};

struct Route {
  Located<std::string> name;
  Located<std::string> listener;
  std::vector<Located<std::string>> server_names;  // lower case, no dot at the end
  bool absent_server_name = false;
  std::vector<Located<std::string>> alpn;
  std::vector<Located<std::string>> ja4;  // patterns
  Located<std::string> path;
  std::vector<Network> sources;
  Located<std::string> zone;
  std::vector<Located<std::string>> servers;
  Located<std::string> fallback;
  Mark mark;
  bool broken = false;
};

// Of the bans of operators, which are not in this file.
struct BanRules {
  uint64_t at_most = 200'000;
  uint64_t repeat_within_ns = 86'400'000'000'000;
  uint64_t repeat_factor = 2;
  uint64_t longest_ns = 30 * 86'400'000'000'000;
};

inline constexpr uint64_t kMostKeptLogFiles = 100;

// Files of lines, in the folder of --log-folder.
struct LogFile {
  uint64_t size_bytes = 16 << 20;
  uint64_t keep = 4;
  bool operator==(const LogFile&) const = default;
};

// Loki's HTTP API. What proves who writes, and whom to trust, is on this machine alone.
struct LokiPlace {
  std::string url;     // scheme, host and port
  std::string tenant;  // empty: none
  bool operator==(const LokiPlace&) const = default;
};

struct LogRules {
  uint64_t connections = 1;  // one in so many; 0: none
  uint64_t lines_per_second = 1000;
  std::optional<LogFile> file;
  bool journal = false;
  std::optional<LokiPlace> loki;
  bool has_places_of(const LogRules& other) const {
    return file == other.file && journal == other.journal && loki == other.loki;
  }
  bool has_sink() const { return file || journal || loki; }
  bool operator==(const LogRules&) const = default;
};

// Units of a source's own buckets; 0: none.
struct SignalCharge {
  uint64_t connections = 0;
  uint64_t requests = 0;
  bool is_any() const { return connections != 0 || requests != 0; }
};

// What a source keeps of the service zones' rates, and for how long; for_ns 0: none.
struct SignalThrottle {
  uint32_t to_percent = 0;
  uint64_t for_ns = 0;
};

// What servers tell of their clients, and what comes of it.
struct SignalRule {
  Located<std::string> name;
  std::vector<Located<StatusRange>> statuses;  // empty, like the two below: any
  std::vector<Located<std::string>> paths;     // what they begin with
  std::vector<Located<std::string>> classes;
  std::optional<Located<Rate>> rate;  // none: the first one is too many
  uint64_t ban_ns = 0;                // 0: it bans nobody
  SignalCharge charge;
  SignalThrottle throttle;
  Mode mode = Mode::enforce;
  Mark mark;
  bool broken = false;
};

// What a server can do at most, whoever has it.
struct SignalCaps {
  uint64_t signals_per_second = 1000;  // of each server
  uint64_t bans_per_minute = 60;       // of each server
  uint64_t bans = 1000;                // that hold, of each server
  uint64_t charges_per_second = 100;   // of each server; what begins a throttle is one
  uint64_t throttles = 1000;           // that hold, of each server
};

struct SignalPolicy {
  std::optional<Located<SocketAddress>> listen;
  std::vector<Located<std::string>> from;  // names of servers, and addresses
  std::vector<SignalRule> rules;           // none: there are no signals
  SignalCaps most;
  SourcePrefix source_prefix;
  Mark mark;
  bool broken = false;
};

// Behaviour of sources, kept in the site's PostgreSQL, which this host knows of by a file of its
// own.
struct LookalikePolicy {
  uint64_t window_ns = 60'000'000'000;
  uint64_t keep_ns = 2 * 86'400'000'000'000;
  uint64_t sources = 10'000;    // in a window
  uint64_t rows = 1'000'000;    // kept at one time
  uint32_t within_percent = 6;  // of the distance, where nobody says another
  SourcePrefix source_prefix;
};

// A network, or a file with one network a line.
struct ListEntry {
  std::optional<Network> network;
  Located<std::string> file;
  Mark mark;
};

// What the dam charges before a connection has a route.
inline constexpr char kFrontZone[] = "front";

struct Policy {
  uint64_t version = 1;
  Driver driver = Driver::automatic;
  uint64_t workers = 1;
  Hugepages hugepages = Hugepages::automatic;
  Xdp xdp;
  Dpdk dpdk;
  NamedList<Interface> interfaces;
  Limits limits;
  Timeouts timeouts;
  Located<PortRange> source_ports;
  std::vector<ListEntry> admin_entries;
  std::vector<ListEntry> deny_entries;
  BanRules bans;
  LogRules logs;
  SignalPolicy signals;
  std::optional<LookalikePolicy> lookalikes;
  std::vector<Network> admin;  // the entries' networks and those of the files
  std::vector<Network> deny;
  std::vector<Listener> listeners;
  NamedList<Zone> zones;
  NamedList<Server> servers;
  std::vector<Route> routes;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/policy_checks.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <string_view>

#include "dataplane/ipc/policy_builder.h"
#include "dataplane/ipc/wire_address.h"

namespace dam {
namespace {

constexpr uint64_t kYearNs = 365ull * 86400 * 1'000'000'000;
static_assert(kMaxListenerAddresses == kMaxListeners);
constexpr size_t kMostHostName = 253;  // RFC 1035 2.3.4

// Lower case, no dot at the end, a wildcard only as the first label.
bool is_host_pattern(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMostHostName && name.front() != '.' &&
         name.back() != '.' && std::all_of(name.begin(), name.end(), allowed) &&
         name.find("..") == std::string_view::npos;
}

dam_gcra_rate read_bucket(const std::string& where, const v1::Bucket& bucket, bool bytes,
                          Errors& errors) {
  const double rate = bucket.rate();
  const bool sound =
      errors.require(std::isfinite(rate) && rate >= 0 && rate <= kMostPerSecond &&
                         (rate == 0 || rate >= kLeastPerSecond),
                     where + ": a rate is 0 (no limit) or lies between 0.001 and 1e12 a second.");
  if (!sound) return {};
  errors.require(rate > 0 || bucket.burst() == 0, where + ": a burst without a rate.");
  errors.require(!bytes || rate == 0 || bucket.burst() >= kLeastByteBurst,
                 where + ": a burst below 1600 bytes lets no whole packet pass.");
  return dam_gcra_rate_of(static_cast<uint64_t>(std::llround(rate * 1000)), bucket.burst());
}

void read_buckets(const std::string& where, const v1::Buckets& message, dam_gcra_rate* rates,
                  Errors& errors) {
  rates[DAM_DIM_packets] = read_bucket(where + " packets", message.packets(), false, errors);
  rates[DAM_DIM_bytes_up] = read_bucket(where + " bytes_up", message.bytes_up(), true, errors);
  rates[DAM_DIM_bytes_down] =
      read_bucket(where + " bytes_down", message.bytes_down(), true, errors);
  rates[DAM_DIM_connections] =
      read_bucket(where + " connections", message.connections(), false, errors);
  rates[DAM_DIM_requests] = read_bucket(where + " requests", message.requests(), false, errors);
}

void read_ban(const std::string& where, const v1::Zone& message, Zone& zone, Errors& errors) {
  zone.ban_after = message.ban_after();
  zone.ban_within_ns = message.ban_within_ns();
  zone.ban_for_ns = message.ban_for_ns();
  if (zone.exceeded != Exceeded::ban) return;
  errors.require(zone.ban_after > 0 && zone.ban_within_ns > 0 && zone.ban_for_ns > 0,
                 where + ": a ban needs ban_after, ban_within and ban_for, all above 0.");
  errors.require(zone.ban_within_ns <= kYearNs && zone.ban_for_ns <= kYearNs,
                 where + ": a ban's times are at most a year.");
}

// 0 stands for the default.
uint64_t read_timeout(const char* name, uint64_t value_ns, uint64_t default_ns, Errors& errors) {
  errors.require(value_ns <= kYearNs, std::string("Timeout ") + name + " is longer than a year.");
  return value_ns == 0 ? default_ns : value_ns;
}

uint32_t read_bounded(const char* name, uint32_t value, uint32_t least, uint32_t most,
                      uint32_t fallback, Errors& errors) {
  if (value == 0) return fallback;
  errors.require(value >= least && value <= most,
                 std::string(name) + " is " + std::to_string(value) + "; it lies between " +
                     std::to_string(least) + " and " + std::to_string(most) + ".");
  return value;
}

void read_server_names(const std::string& where, const v1::Route& message, RouteRule& rule,
                       Errors& errors) {
  errors.require(message.server_names_size() <= static_cast<int>(kMaxServerNames),
                 where + " has more than " + std::to_string(kMaxServerNames) + " server names.");
  for (const std::string& name : message.server_names()) {
    errors.require(is_host_pattern(name),
                   where + ": \"" + name +
                       "\" is not a server name: lower case letters, digits, '-' and '.', with "
                       "\"*.\" at most at the beginning.");
    rule.server_names.push_back(name);
  }
}

// Nothing that the listener's protocol cannot say may be asked for; a rule that can never hold is
// an error, not a surprise.
void check_conditions(const std::string& where, const RouteRule& rule, Protocol protocol,
                      Errors& errors) {
  if (protocol == Protocol::tcp) {
    errors.require(rule.server_names.empty() && rule.alpn.empty() && rule.ja4.empty() &&
                       rule.path_prefix.empty(),
                   where + ": a tcp listener knows no server names, ALPN, fingerprints or paths.");
    return;
  }
  errors.require(!rule.server_names.empty() || rule.absent_name,
                 where + " names no server name and does not take absent ones: it never holds.");
  errors.require(protocol == Protocol::tls || (rule.alpn.empty() && rule.ja4.empty()),
                 where + ": an http listener knows neither ALPN nor fingerprints.");
  errors.require(protocol == Protocol::http || rule.path_prefix.empty(),
                 where + ": only an http listener can read paths.");
  errors.require(rule.path_prefix.empty() ||
                     (rule.path_prefix.front() == '/' && is_printable(rule.path_prefix) &&
                      rule.path_prefix.size() <= kMostPathBytes),
                 where + ": a path prefix begins with '/' and holds printable characters.");
}

}  // namespace

bool check_name(const std::string& where, const std::string& name, Errors& errors) {
  return errors.require(!name.empty() && name.size() < DAM_NAME_BYTES && is_printable(name),
                        where + ": a name has 1 to " + std::to_string(DAM_NAME_BYTES - 1) +
                            " printable characters without blanks.");
}

Zone read_zone(const v1::Zone& message, Errors& errors) {
  const std::string where = "Zone \"" + message.name() + "\"";
  check_name(where, message.name(), errors);
  errors.require(v1::Mode_IsValid(message.mode()), where + ": unknown mode.");
  errors.require(v1::Exceeded_IsValid(message.exceeded()), where + ": unknown action.");
  const bool by_address = message.key() == v1::SOURCE;
  errors.require(v1::ZoneKey_IsValid(message.key()), where + ": unknown key.");
  errors.require(by_address || message.exceeded() != v1::BAN,
                 where + " cannot ban: its key is no address.");
  errors.require(by_address || message.name() != "front",
                 where + " is charged before there is a fingerprint: its key is the address.");
  errors.require(message.source_bits_v4() <= 32 && message.source_bits_v6() <= 128,
                 where + ": a source has at most 32 (IPv4) or 128 (IPv6) bits.");
  Zone zone;
  zone.name = message.name();
  zone.management = message.management();
  zone.mode = static_cast<Mode>(message.mode());
  zone.exceeded = static_cast<Exceeded>(message.exceeded());
  zone.key = static_cast<ZoneKey>(message.key());
  read_buckets(where + " per source", message.per_source(), zone.per_source, errors);
  read_buckets(where + " total", message.total(), zone.total, errors);
  zone.per_source_concurrent = message.per_source().concurrent();
  zone.total_concurrent = message.total().concurrent();
  if (message.source_bits_v4() != 0) {
    zone.source_bits_v4 = static_cast<uint8_t>(message.source_bits_v4());
  }
  if (message.source_bits_v6() != 0) {
    zone.source_bits_v6 = static_cast<uint8_t>(message.source_bits_v6());
  }
  read_ban(where, message, zone, errors);
  return zone;
}

Server read_server(const v1::Server& message, Errors& errors) {
  const std::string where = "Server \"" + message.name() + "\"";
  check_name(where, message.name(), errors);
  errors.require(message.port() >= 1 && message.port() <= 65535,
                 where + ": a port lies between 1 and 65535.");
  errors.require(v1::ProxyVersion_IsValid(message.proxy()), where + ": unknown PROXY version.");
  errors.require(message.weight() <= 0xffff, where + ": a weight is at most 65535.");
  errors.require(message.addresses_size() > 0, where + " has no address.");
  Server server;
  server.name = message.name();
  server.port = dam_hton16(static_cast<uint16_t>(message.port()));
  server.proxy = static_cast<ProxyVersion>(message.proxy());
  server.tlvs = static_cast<uint8_t>(
      (message.tlv_alpn() ? kTlvAlpn : 0) | (message.tlv_authority() ? kTlvAuthority : 0) |
      (message.tlv_unique_id() ? kTlvUniqueId : 0) | (message.tlv_crc32c() ? kTlvCrc32c : 0));
  server.weight = static_cast<uint16_t>(message.weight() == 0 ? 1 : message.weight());
  bool have[2] = {false, false};
  for (const std::string& wire : message.addresses()) {
    const auto address = read_address(wire);
    if (!errors.require(address.has_value(), where + ": an address of " +
                                                 std::to_string(wire.size()) +
                                                 " bytes: IPv4 has 4, IPv6 has 16.")) {
      continue;
    }
    const int family = dam_address_is_v4(&*address) ? 0 : 1;
    errors.require(!have[family], where + ": at most one IPv4 and one IPv6 address.");
    have[family] = true;
    server.address[family] = *address;
  }
  return server;
}

std::vector<Listener> read_listener(const v1::Listener& message, Errors& errors) {
  const std::string where = "Listener \"" + message.name() + "\"";
  check_name(where, message.name(), errors);
  errors.require(message.port() >= 1 && message.port() <= 65535,
                 where + ": a port lies between 1 and 65535.");
  errors.require(v1::Protocol_IsValid(message.protocol()), where + ": unknown protocol.");
  errors.require(message.addresses_size() > 0, where + " has no address.");
  std::vector<Listener> listeners;
  for (const std::string& wire : message.addresses()) {
    const auto address = read_address(wire);
    if (!errors.require(address.has_value(), where + ": an address of " +
                                                 std::to_string(wire.size()) +
                                                 " bytes: IPv4 has 4, IPv6 has 16.")) {
      continue;
    }
    Listener listener;
    listener.name = message.name();
    listener.address = *address;
    listener.port = dam_hton16(static_cast<uint16_t>(message.port()));
    listener.protocol = static_cast<Protocol>(message.protocol());
    listeners.push_back(std::move(listener));
    if (listeners.size() > kMaxListeners) break;
  }
  return listeners;
}

RouteRule read_rule(const v1::Route& message, Protocol protocol, Errors& errors) {
  const std::string where = "Route \"" + message.name() + "\"";
  RouteRule rule;
  read_server_names(where, message, rule, errors);
  rule.absent_name = message.absent_name();
  for (const std::string& name : message.alpn()) {
    errors.require(!name.empty() && name.size() <= 255,  // RFC 7301 3.1
                   where + ": an ALPN name has 1 to 255 bytes.");
    rule.alpn.push_back(name);
  }
  errors.require(static_cast<uint32_t>(message.ja4_size()) <= kMaxJa4,
                 where + ": more than " + std::to_string(kMaxJa4) + " fingerprints.");
  for (const std::string& text : message.ja4()) {
    const auto pattern = Ja4Pattern::parse(text);
    if (errors.require(pattern.has_value(), where + ": \"" + text + "\" is no JA4 fingerprint.")) {
      rule.ja4.push_back(*pattern);
    }
  }
  rule.path_prefix = message.path_prefix();
  rule.sources = read_prefixes(where + " sources", message.sources(), errors);
  check_conditions(where, rule, protocol, errors);
  return rule;
}

Timeouts read_timeouts(const v1::Timeouts& message, Errors& errors) {
  Timeouts t;
  t.hello_ns = read_timeout("hello", message.hello(), t.hello_ns, errors);
  t.connect_ns = read_timeout("connect", message.connect(), t.connect_ns, errors);
  t.idle_ns = read_timeout("idle", message.idle(), t.idle_ns, errors);
  t.half_closed_ns = read_timeout("half_closed", message.half_closed(), t.half_closed_ns, errors);
  t.closing_ns = read_timeout("closing", message.closing(), t.closing_ns, errors);
  t.port_rest_ns = read_timeout("port_rest", message.port_rest(), t.port_rest_ns, errors);
  t.probe_interval_ns =
      read_timeout("probe_interval", message.probe_interval(), t.probe_interval_ns, errors);
  return t;
}

PortRange read_port_range(const v1::Snapshot& message, Errors& errors) {
  PortRange range;
  const uint32_t first = message.first_source_port();
  const uint32_t last = message.last_source_port();
  if (first == 0 && last == 0) return range;
  const bool sound = errors.require(
      first >= 1 && last <= 65535 && last >= first && last - first + 1 >= kLeastSourcePorts,
      "Source ports " + std::to_string(first) + " to " + std::to_string(last) +
          ": a range within 1 to 65535 of at least " + std::to_string(kLeastSourcePorts) +
          " is needed.");
  if (sound) range = {static_cast<uint16_t>(first), static_cast<uint16_t>(last)};
  return range;
}

Limits read_limits(const v1::Snapshot& message, const Limits& tables, Errors& errors) {
  Limits limits = tables;
  limits.half_open_per_source = read_bounded("half_open_per_source", message.half_open_per_source(),
                                             1, 1u << 20, limits.half_open_per_source, errors);
  limits.management_share_percent =
      read_bounded("management_share_percent", message.management_share_percent(), 1, 90,
                   limits.management_share_percent, errors);
  return limits;
}

std::vector<SourcePrefix> read_prefixes(
    const std::string& where, const google::protobuf::RepeatedPtrField<v1::Subnet>& subnets,
    Errors& errors) {
  std::vector<SourcePrefix> prefixes;
  const auto count = static_cast<size_t>(subnets.size());
  if (!errors.require(count <= kMaxPrefixes, where + ": " + std::to_string(count) +
                                                 " prefixes are more than " +
                                                 std::to_string(kMaxPrefixes) + ".")) {
    return prefixes;
  }
  prefixes.reserve(count);
  std::bitset<128> around;  // such networks, by their length: each of them becomes many
  for (const v1::Subnet& subnet : subnets) {
    SourcePrefix prefix;
    const std::string wrong = read_prefix(subnet, prefix);
    if (!errors.require(wrong.empty(), where + ": " + wrong + ".")) continue;
    if (is_around_ipv4(prefix)) {
      if (around.test(prefix.prefix_bits)) continue;
      around.set(prefix.prefix_bits);
    }
    append_prefix(prefix, prefixes);
  }
  return prefixes;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/option_tables.h"
#include "dataplane/core/counters.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr size_t kMostListEntries = 65'536;
constexpr size_t kMostListeners = kMaxListenerAddresses;

const Kind<Protocol>& protocol() {
  static const auto kind =
      one_of<Protocol>({{"tls", Protocol::tls}, {"http", Protocol::http}, {"tcp", Protocol::tcp}});
  return kind;
}

const Table<BanRules>& ban_rule_options() {
  static const Table<BanRules> table{
      option("at_most", Need::optional, count(1, kMaxBans), &BanRules::at_most, "200k",
             "bans that may hold at one time; one more is refused"),
      option("repeat_within", Need::optional, duration(kSecond, 365 * kDay),
             &BanRules::repeat_within_ns, "1d",
             "whoever is banned again within this time after a ban, by anybody or by a zone, is "
             "banned for longer"),
      option("repeat_factor", Need::optional, integer(1, 100), &BanRules::repeat_factor, "2",
             "each time so many times as long as the time before"),
      option("longest", Need::optional, duration(kSecond, 3650 * kDay), &BanRules::longest_ns,
             "30d", "but no longer than this, unless somebody asks for more"),
  };
  return table;
}

const Table<Listener>& listener_options() {
  static const Table<Listener> table{
      option("name", Need::required, located(name()), &Listener::name, "", "what routes call it"),
      option("addresses", Need::required,
             list_of("the list of addresses", located(host_address()), 1, 64), &Listener::addresses,
             "", "the addresses that clients' packets arrive for"),
      option("port", Need::required, integer(1, 65'535), &Listener::port, "", "the TCP port"),
      option("protocol", Need::optional, protocol(), &Listener::protocol, "tls",
             "how routes are chosen: tls by the ClientHello, http by Host and path, tcp by port "
             "alone (server-speaks-first protocols need tcp)"),
  };
  return table;
}

const Table<Route>& route_options() {
  static const Table<Route> table{
      option("name", Need::required, located(name()), &Route::name, "", "what counters call it"),
      option("listener", Need::required, located(name()), &Route::listener, "",
             "where its connections arrive"),
      option("server_names", Need::optional,
             list_of("the list of server_names", located(server_name()), 1, kMaxServerNames),
             &Route::server_names, "",
             "tls: server names of the ClientHello; http: the Host. Exact, or *.example.org for "
             "every name below it"),
      option("absent_server_name", Need::optional, boolean(), &Route::absent_server_name, "false",
             "also takes connections that name no server"),
      option("alpn", Need::optional, list_of("the list of alpn", located(text(255)), 1, 64),
             &Route::alpn, "", "only clients that offer one of these protocols (tls)"),
      option(
          "ja4", Need::optional, list_of("the list of ja4", located(ja4_pattern()), 1, kMaxJa4),
          &Route::ja4, "",
          "only clients whose ClientHello has one of these JA4 fingerprints (tls); a part may be "
          "*, e.g. t13d1516h2_*_e5627efa2ab1"),
      option(
          "path", Need::optional, located(text(kMostPathBytes)), &Route::path, "",
          "only requests whose path begins with this (http); the connection goes by its first one, "
          "later ones count in the zone that their own path names"),
      option("sources", Need::optional,
             list_of("the list of sources", network(), 1, kMostListEntries), &Route::sources, "",
             "only clients from these networks"),
      option("zone", Need::required, located(name()), &Route::zone, "",
             "whose buckets its traffic is charged to"),
      option("servers", Need::optional,
             list_of("the list of servers", located(name()), 1, DAM_MAX_SERVERS), &Route::servers,
             "", "the pool: one server or several"),
      option_with<Route, Located<std::string>>(
          "server", located(name()),
          [](Route& route, Located<std::string> server) {
            route.servers.push_back(std::move(server));
          },
          "another way to write servers with one entry"),
      option("fallback", Need::optional, located(name()), &Route::fallback, "",
             "the server that steps in while no server of the pool is up"),
  };
  return table;
}

const Kind<ListEntry>& list_entry() {
  static const Table<ListEntry> file_table{
      option("file", Need::required, located(text(4096)), &ListEntry::file, "",
             "a file with one network a line, # starts a comment; relative to dam.yaml")};
  static const auto file = object("a network or {file: PATH}", file_table);
  static const auto plain = network();
  static const Kind<ListEntry> kind{
      "a network or {file: PATH}", Json{{"anyOf", {plain.schema, file.schema}}},
      [](Reader& reader, const YAML::Node& node) -> std::optional<ListEntry> {
        if (node.IsMap()) return file.read(reader, node);
        const auto value = plain.read(reader, node);
        if (!value) return std::nullopt;
        ListEntry entry;
        entry.network = *value;
        entry.mark = mark_of(node);
        return entry;
      }};
  return kind;
}

}  // namespace

const Table<Policy>& policy_options() {
  static const Table<Policy> table{
      option("version", Need::required, integer(1, 1), &Policy::version, "", "of this language: 1"),
      option("driver", Need::optional,
             one_of<Driver>(
                 {{"auto", Driver::automatic}, {"dpdk", Driver::dpdk}, {"xdp", Driver::xdp}}),
             &Policy::driver, "auto",
             "how packets reach the dam; auto: xdp where the host uses the interfaces itself or "
             "lacks CPUs or huge pages, else dpdk"),
      option("workers", Need::optional, integer(1, DAM_MAX_WORKERS), &Policy::workers, "1",
             "packet threads, each on a CPU core of its own"),
      option("hugepages", Need::optional,
             one_of<Hugepages>(
                 {{"auto", Hugepages::automatic}, {"on", Hugepages::on}, {"off", Hugepages::off}}),
             &Policy::hugepages, "auto",
             "memory for packets in huge pages; auto: where there are some"),
      option("xdp", Need::optional, object("a map of the XDP driver's keys", xdp_options()),
             &Policy::xdp, "", "of driver: xdp alone"),
      option("dpdk", Need::optional, object("a map of the DPDK driver's keys", dpdk_options()),
             &Policy::dpdk, "", "of driver: dpdk alone"),
      option("interfaces", Need::required,
             map_of("a map of interfaces",
                    object("a map of an interface's keys", interface_options()), 16),
             &Policy::interfaces, "", "the networks that the dam has a leg in, by name"),
      option(
          "limits", Need::optional, object("a map of limits", limit_options()), &Policy::limits, "",
          "sizes of the tables; flows, half_open, sources, hold and hello change with a restart of "
          "the dataplane"),
      option("timeouts", Need::optional, object("a map of times", timeout_options()),
             &Policy::timeouts, "", "how long the dam waits"),
      option("source_ports", Need::optional, located(port_range()), &Policy::source_ports,
             "1024-32767",
             "the dam's own ports towards the servers; best apart from those of the host itself "
             "(Linux: 32768-60999)"),
      option("admin", Need::optional,
             list_of("the list of admin networks", list_entry(), 0, kMostListEntries),
             &Policy::admin_entries, "",
             "networks of the administrators: never banned, never denied; long lists in files: "
             "{file: PATH}"),
      option("deny", Need::optional,
             list_of("the list of denied networks", list_entry(), 0, kMostListEntries),
             &Policy::deny_entries, "",
             "networks that are refused everywhere; long lists in files: {file: PATH}"),
      option("bans", Need::optional, object("a map of the bans' keys", ban_rule_options()),
             &Policy::bans, "",
             "how bans of operators grow; the bans themselves are made with damctl ban"),
      option("logs", Need::optional, object("a map of the logs' keys", log_options()),
             &Policy::logs, "",
             "lines of JSON about connections, refusals, bans and changes, each as "
             "config/log.schema.json says; none without a place for them"),
      option_with<Policy, SignalPolicy>(
          "signals", object("a map of the signals' keys", signal_options()),
          [](Policy& policy, SignalPolicy signals) { policy.signals = std::move(signals); },
          "what servers tell of their clients, and whom that bans or slows: in the service zones "
          "alone, and never administrators"),
      option_with<Policy, LookalikePolicy>(
          "lookalikes", object("a map of the look-alikes' keys", lookalike_options()),
          [](Policy& policy, LookalikePolicy rules) { policy.lookalikes = rules; },
          "how sources behave, as vectors in the PostgreSQL with pgvector that the file of "
          "dam-controlplane's --lookalikes-database names: damctl similar; left out, or without "
          "that file, nothing is looked at; nor are administrators, or what goes to management"),
      option("listeners", Need::required,
             rows_of("a list of listeners",
                     object("a map of a listener's keys", listener_options()), 1, kMostListeners),
             &Policy::listeners, "", "where clients arrive"),
      option(
          "zones", Need::required,
          map_of("a map of zones", object("a map of a zone's keys", zone_options()), DAM_MAX_ZONES),
          &Policy::zones, "",
          "limits, by name; the zone `front` is charged before a route is known"),
      option("servers", Need::required,
             map_of("a map of servers", object("a map of a server's keys", server_options()),
                    DAM_MAX_SERVERS),
             &Policy::servers, "", "where connections are passed to, by name"),
      option("routes", Need::required,
             rows_of("a list of routes", object("a map of a route's keys", route_options()), 1,
                     kMaxRoutes),
             &Policy::routes, "", "which connections go where"),
  };
  return table;
}

}  // namespace dam::control

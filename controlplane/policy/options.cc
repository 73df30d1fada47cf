// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/options.h"

#include "controlplane/policy/kinds.h"
#include "dataplane/core/counters.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kDay = 86'400 * kSecond;
constexpr uint64_t kMostFlows = 64'000'000;
constexpr size_t kMostListEntries = 65'536;
constexpr size_t kMostListeners = kMaxListenerAddresses;

const Kind<Protocol>& protocol() {
  static const auto kind =
      one_of<Protocol>({{"tls", Protocol::tls}, {"http", Protocol::http}, {"tcp", Protocol::tcp}});
  return kind;
}

const Table<Interface>& interface_options() {
  static const Table<Interface> table{
      option("device", Need::required, device(), &Interface::device, "",
             "the network card: a kernel interface (enp1s0), a PCI address (0000:01:00.0), or a "
             "DPDK virtual device (net_memif0,role=client)"),
      option("addresses", Need::required,
             list_of("the list of addresses", located(interface_address()), 1, 64),
             &Interface::addresses, "",
             "the dam's own addresses here, each with its prefix length"),
      option("gateway", Need::optional,
             list_of("the list of gateways", located(host_address()), 1, 2), &Interface::gateways,
             "",
             "the way to everything that is on no network of an interface; one per IP family, for "
             "the whole dam"),
      option("mtu", Need::optional, integer(1280, 1500), &Interface::mtu, "1500",
             "the largest IP packet on this network"),
      option("vlan", Need::optional, integer(1, 4094), &Interface::vlan, "",
             "the VLAN identifier of this network's frames; left out: untagged"),
      option("queues", Need::optional, integer(1, DAM_MAX_WORKERS), &Interface::queues, "",
             "receive queues of the card: as many as workers, which is what leaving it out means"),
      option_with<Interface, bool>(
          "host_path", boolean(),
          [](Interface& interface, bool open) { interface.host_path = open; },
          "driver dpdk: what is not the dam's goes to the host's own network stack and back (SSH, "
          "DHCP, its own traffic), by an interface of the kernel's in the device's place; false: "
          "the host may lose the device; left out: no, and a device on which the host has, or is "
          "to have, an address or a route is refused"),
  };
  return table;
}

const Table<Xdp>& xdp_options() {
  static const Table<Xdp> table{
      option("beside_others", Need::optional, boolean(), &Xdp::beside_others, "false",
             "other XDP programs share the interfaces with the dam, by libxdp's dispatcher; those "
             "that were attached without it cannot"),
  };
  return table;
}

const Table<Dpdk>& dpdk_options() {
  static const Table<Dpdk> table{
      option("bind", Need::optional, boolean(), &Dpdk::bind, "false",
             "kernel interfaces are taken from their drivers and bound to vfio-pci, until the "
             "dataplane ends; false: they stay the kernel's, by AF_XDP. PCI addresses are always "
             "bound"),
      option(
          "unsafe_noiommu", Need::optional, boolean(), &Dpdk::unsafe_noiommu, "false",
          "where there is no IOMMU, bind all the same: the cards can then reach all memory. Takes "
          "huge pages, and a kernel with CONFIG_VFIO_NOIOMMU (Debian's have it not)"),
  };
  return table;
}

const Table<Limits>& limit_options() {
  static const Table<Limits> table{
      option("flows", Need::optional, count(1024, kMostFlows), &Limits::flows, "1M",
             "live connections with a route"),
      option("half_open", Need::optional, count(64, 1'000'000), &Limits::half_open, "16384",
             "connections whose route is not known yet"),
      option("half_open_per_source", Need::optional, count(1, 1'000'000),
             &Limits::half_open_per_source, "256", "the same, from one source"),
      option("sources", Need::optional, count(1024, kMostFlows), &Limits::sources, "1M",
             "source addresses with buckets"),
      option("hold", Need::optional, bytes(1 << 20, 4'000'000'000), &Limits::hold_bytes, "64MiB",
             "memory for client bytes that wait for their server"),
      option("hello", Need::optional, bytes(kLeastHelloBytes, kMostHelloBytes),
             &Limits::hello_bytes, "16KiB", "the longest ClientHello or HTTP request head"),
      option("management_share", Need::optional, percent(1, 90), &Limits::management_share_percent,
             "10%", "the part of every table that only management routes may use"),
  };
  return table;
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

const Table<LogFile>& log_file_options() {
  static const Table<LogFile> table{
      option("size", Need::optional, bytes(65'536, 1'000'000'000'000), &LogFile::size_bytes,
             "16MiB", "a file that would grow longer becomes dam.jsonl.1"),
      option("keep", Need::optional, integer(0, kMostKeptLogFiles), &LogFile::keep, "4",
             "so many old files stay"),
  };
  return table;
}

const Table<LokiPlace>& loki_options() {
  static const Table<LokiPlace> table{
      option("url", Need::required, http_origin(), &LokiPlace::url, "",
             "where Loki answers, such as http://10.0.0.5:3100; over https its certificate is "
             "checked, and what dam-controlplane's --loki-netrc says of the host is sent"),
      option("tenant", Need::optional, name(), &LokiPlace::tenant, "",
             "whose lines these are (X-Scope-OrgID), where Loki has several tenants"),
  };
  return table;
}

const Table<LogRules>& log_options() {
  static const Table<LogRules> table{
      option("connections", Need::optional, count(0, 1'000'000), &LogRules::connections, "1",
             "of the connections that end one in so many has a line; 0: none. Refusals and bans "
             "have theirs whatever it says"),
      option("lines_per_second", Need::optional, count(1, 1'000'000), &LogRules::lines_per_second,
             "1000", "of each kind; how many were left out is a line too"),
      option_with<LogRules, LogFile>(
          "file", object("a map of the file's keys", log_file_options()),
          [](LogRules& logs, LogFile file) { logs.file = file; },
          "lines into dam.jsonl, in the folder that dam-controlplane's --log-folder names"),
      option("journal", Need::optional, boolean(), &LogRules::journal, "false",
             "lines to systemd's journal: journalctl -t dam"),
      option_with<LogRules, LokiPlace>(
          "loki", object("a map of Loki's keys", loki_options()),
          [](LogRules& logs, LokiPlace loki) { logs.loki = std::move(loki); },
          "lines to Grafana Loki, pushed in batches over its HTTP API"),
  };
  return table;
}

const Table<SignalCharge>& signal_charge_options() {
  static const Table<SignalCharge> table{
      option("connections", Need::optional, count(1, 1'000'000), &SignalCharge::connections, "0",
             "so many connections less has the source left, where a zone limits them"),
      option("requests", Need::optional, count(1, 1'000'000), &SignalCharge::requests, "0",
             "so many requests less, where a zone limits those"),
  };
  return table;
}

const Table<SignalThrottle>& signal_throttle_options() {
  static const Table<SignalThrottle> table{
      option("to", Need::required, percent(1, 99), &SignalThrottle::to_percent, "",
             "so much of each rate is left to the source"),
      option("for", Need::required, duration(kSecond, 7 * kDay), &SignalThrottle::for_ns, "",
             "so long after the last signal that was too many; a control plane that begins anew "
             "has forgotten it"),
  };
  return table;
}

const Table<SignalRule>& signal_rule_options() {
  static const Table<SignalRule> table{
      option("name", Need::required, located(name()), &SignalRule::name, "",
             "what bans, metrics and events call it"),
      option("status", Need::optional,
             list_of("the list of statuses", located(status_range()), 1, 16), &SignalRule::statuses,
             "", "only answers with one of these HTTP statuses"),
      option("path", Need::optional,
             list_of("the list of paths", located(text(kMostPathBytes)), 1, 256),
             &SignalRule::paths, "",
             "only requests whose path begins with one of these, decoded and without \"..\""),
      option("class", Need::optional, list_of("the list of classes", located(name()), 1, 64),
             &SignalRule::classes, "",
             "only requests that the server itself has put into one of these classes"),
      option_with<SignalRule, Located<Rate>>(
          "rate", located(event_rate()),
          [](SignalRule& rule, Located<Rate> rate) { rule.rate = rate; },
          "what one source may have of them; left out: the first one is too many (honey paths)"),
      option("ban", Need::optional, duration(kSecond, 365 * kDay), &SignalRule::ban_ns, "",
             "shut the source out of the service zones for this time; longer if it is a repeat "
             "(bans.repeat_within)"),
      option("charge", Need::optional, object("a map of what it costs", signal_charge_options()),
             &SignalRule::charge, "",
             "instead of a ban: each one too many costs the source some of what per_source lets it "
             "do in the service zones, until its bucket is empty; it goes on at the zone's rate"),
      option("throttle", Need::optional,
             object("a map of how much is left, and how long", signal_throttle_options()),
             &SignalRule::throttle, "",
             "instead of a ban: for a while the source has less of every rate that per_source "
             "gives it in the service zones"),
      option("mode", Need::optional,
             one_of<Mode>({{"enforce", Mode::enforce}, {"shadow", Mode::shadow}}),
             &SignalRule::mode, "enforce",
             "shadow counts whom it would have banned and bans nobody"),
  };
  return table;
}

const Table<SignalCaps>& signal_cap_options() {
  static const Table<SignalCaps> table{
      option("signals_per_second", Need::optional, count(1, 100'000),
             &SignalCaps::signals_per_second, "1000",
             "of each server, and twice as many at once; more are not heard"),
      option("bans_per_minute", Need::optional, count(1, 6000), &SignalCaps::bans_per_minute, "60",
             "that one server may cause, and as many at once"),
      option("bans", Need::optional, count(1, 10'000), &SignalCaps::bans, "1000",
             "that one server has caused and that may hold at one time"),
      option("charges_per_second", Need::optional, count(1, 10'000),
             &SignalCaps::charges_per_second, "100",
             "that one server may cause, throttles too; in a zone that limits what they cost and "
             "has exceeded: "
             "{ban: …} they may have whoever goes on banned, beyond bans_per_minute"),
      option("throttles", Need::optional, count(1, 4096), &SignalCaps::throttles, "1000",
             "that one server has caused and that may hold at one time"),
  };
  return table;
}

const Table<SignalPolicy>& signal_options() {
  static const Table<SignalPolicy> table{
      option_with<SignalPolicy, Located<SocketAddress>>(
          "listen", located(socket_address()),
          [](SignalPolicy& signals, Located<SocketAddress> listen) { signals.listen = listen; },
          "an address of this host on the servers' side, and a UDP port: where nginx's access_log "
          "syslog: sends its lines; left out: over the API alone (POST /v1/signals)"),
      option("from", Need::optional, list_of("the list of senders", located(text(64)), 1, 64),
             &SignalPolicy::from, "",
             "who may send there: servers by name, others by address; needed with listen"),
      option("rules", Need::required,
             rows_of("a list of rules", object("a map of a rule's keys", signal_rule_options()), 1,
                     64),
             &SignalPolicy::rules, "",
             "what is too much; a signal counts for each rule that it fits, of each server by "
             "itself"),
      option("most", Need::optional, object("a map of caps", signal_cap_options()),
             &SignalPolicy::most, "", "what a server can do at most, whoever has it"),
      option(
          "source_prefix", Need::optional,
          object("a map of prefix lengths", source_prefix_options()), &SignalPolicy::source_prefix,
          "",
          "how many leading bits of an address make one source: what is counted, and the largest "
          "network that is banned; as in the service zones"),
  };
  return table;
}

const Table<LookalikePolicy>& lookalike_options() {
  static const Table<LookalikePolicy> table{
      option("window", Need::optional, duration(10 * kSecond, 3600 * kSecond),
             &LookalikePolicy::window_ns, "60s",
             "so long is looked at a source for one vector; at one that does little up to ten "
             "times as long"),
      option("keep", Need::optional, duration(3600 * kSecond, 90 * kDay), &LookalikePolicy::keep_ns,
             "2d",
             "vectors that are older are deleted, within some minutes; nothing is while the "
             "database is away"),
      option("sources", Need::optional, count(16, 100'000), &LookalikePolicy::sources, "10k",
             "that are looked at at one time; what more of them do is not, and counted"),
      option("rows", Need::optional, count(1000, 20'000'000), &LookalikePolicy::rows, "1M",
             "vectors that are kept: of more the oldest are deleted, within some minutes"),
      option("within", Need::optional, percent(1, 90), &LookalikePolicy::within_percent, "8%",
             "so far apart sources count as alike, where no other distance is asked for: the root "
             "mean square of their features' differences; that they belong together it does not "
             "say"),
      option("source_prefix", Need::optional,
             object("a map of prefix lengths", source_prefix_options()),
             &LookalikePolicy::source_prefix, "",
             "how many leading bits of an address make one source; as in the service zones"),
  };
  return table;
}

const Table<Timeouts>& timeout_options() {
  static const Table<Timeouts> table{
      option("hello", Need::optional, duration(kSecond / 10, 600 * kSecond), &Timeouts::hello_ns,
             "10s", "until the ClientHello or request head must be whole"),
      option("connect", Need::optional, duration(kSecond / 10, 600 * kSecond),
             &Timeouts::connect_ns, "3s", "until one server must have answered"),
      option("idle", Need::optional, duration(kSecond, 30 * kDay), &Timeouts::idle_ns, "1h",
             "a connection without packets is forgotten after this time"),
      option("half_closed", Need::optional, duration(kSecond, 30 * kDay), &Timeouts::half_closed_ns,
             "5m", "the same, once one side has sent its FIN"),
      option("closing", Need::optional, duration(kSecond / 10, 600 * kSecond),
             &Timeouts::closing_ns, "10s", "how long a closed connection is remembered"),
      option("port_rest", Need::optional, duration(kSecond / 10, 600 * kSecond),
             &Timeouts::port_rest_ns, "10s",
             "how long a source port rests before it is used again"),
      option("probe_interval", Need::optional, duration(kSecond / 10, 600 * kSecond),
             &Timeouts::probe_interval_ns, "2s", "time between two probes of one server"),
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

const Table<Ban>& ban_options() {
  static const Table<Ban> table{
      option("after", Need::required, integer(1, 1'000'000), &Ban::after, "",
             "so many packets or connections over a limit"),
      option("within", Need::required, duration(kSecond / 10, kDay), &Ban::within_ns, "",
             "in this time"),
      option("for", Need::required, duration(kSecond, 365 * kDay), &Ban::for_ns, "",
             "shut the source out of the zone for this time"),
  };
  return table;
}

const Kind<Exceeded>& exceeded() {
  static const auto word = one_of<Action>({{"drop", Action::drop}, {"reset", Action::reset}});
  static const Table<Exceeded> ban_table{
      option("ban", Need::required, object("a ban", ban_options()), &Exceeded::ban, "",
             "drop, and after repeated violations ban the source")};
  static const auto ban = object("drop, reset or {ban: …}", ban_table);
  static const Kind<Exceeded> kind{
      "drop, reset or {ban: …}", Json{{"anyOf", {word.schema, ban.schema}}},
      [](Reader& reader, const YAML::Node& node) -> std::optional<Exceeded> {
        if (!node.IsScalar()) {
          auto value = ban.read(reader, node);
          if (value) value->action = Action::ban;
          return value;
        }
        if (node.Scalar() == "ban") {
          reader.problems().error(mark_of(node), "a ban needs its numbers",
                                  "write {ban: {after: 20, within: 10s, for: 10m}}");
          return std::nullopt;
        }
        const auto action = word.read(reader, node);
        if (!action) return std::nullopt;
        return Exceeded{*action, {}};
      }};
  return kind;
}

const Table<Check>& server_check_options() {
  static const Table<Check> table{
      option("kind", Need::optional,
             one_of<CheckKind>({{"auto", CheckKind::automatic},
                                {"tcp", CheckKind::tcp},
                                {"tls", CheckKind::tls},
                                {"http", CheckKind::http},
                                {"https", CheckKind::https}}),
             &Check::kind, "auto",
             "how far to go: a connection, a TLS handshake with a look at the certificate, an HTTP "
             "status (https: over TLS); auto: tls, http or tcp, as the listener of its routes"),
      option("interval", Need::optional, duration(kSecond / 10, 3600 * kSecond),
             &Check::interval_ns, "5s", "from one check to the next, give or take a tenth"),
      option("timeout", Need::optional, duration(kSecond / 10, 60 * kSecond), &Check::timeout_ns,
             "2s", "a check that takes longer has failed"),
      option("rise", Need::optional, integer(1, 100), &Check::rise, "2",
             "so many checks in a row must succeed until a server that was down is up"),
      option("fall", Need::optional, integer(1, 100), &Check::fall, "3",
             "so many must fail until one that was up is down"),
      option("name", Need::optional, server_name(), &Check::name, "",
             "the server name of the handshake, and the Host; left out: the first name that is "
             "routed to the server"),
      option("path", Need::optional, located(text(kMostPathBytes)), &Check::path, "/",
             "what http and https ask for"),
      option("expect", Need::optional,
             list_of("the list of statuses", located(status_range()), 1, 16), &Check::expect,
             "200-399", "the HTTP statuses of a server that is well"),
      option("ca", Need::optional, located(text(4096)), &Check::ca, "system",
             "who must have signed its certificate: system (the machine's own authorities), the "
             "absolute path of a file of certificates (PEM), or none: anybody"),
      option_with<Check, Located<Address>>(
          "client", located(host_address()),
          [](Check& check, Located<Address> client) { check.client = client; },
          "the address that the check's PROXY header gives as the client's; left out: the header "
          "names nobody (v2 LOCAL, v1 UNKNOWN)"),
      option("coalescing", Need::optional,
             one_of<Coalescing>({{"refuse", Coalescing::refuse}, {"allow", Coalescing::allow}}),
             &Check::coalescing, "refuse",
             "a certificate that covers a name which is routed to another server, too, on a server "
             "that speaks HTTP/2: browsers send the other's requests down this one's connections; "
             "refuse: policies are not put in force while it is so, unless forced (damctl apply "
             "--force); allow: they are"),
  };
  return table;
}

const Table<Server>& server_options() {
  static const Table<Server> table{
      option("addresses", Need::required,
             list_of("the list of addresses", located(host_address()), 1, 2), &Server::addresses,
             "", "where it listens: at most one IPv4 and one IPv6 address"),
      option("port", Need::required, integer(1, 65'535), &Server::port, "", "the TCP port"),
      option("proxy", Need::optional,
             one_of<Proxy>({{"v2", Proxy::v2}, {"v1", Proxy::v1}, {"none", Proxy::none}}),
             &Server::proxy, "v2", "the PROXY protocol header that tells it who the client is"),
      option("tlvs", Need::optional,
             list_of("the list of tlvs",
                     located(one_of<Tlv>({{"alpn", Tlv::alpn},
                                          {"authority", Tlv::authority},
                                          {"unique_id", Tlv::unique_id},
                                          {"crc32c", Tlv::crc32c}})),
                     0, 4),
             &Server::tlvs, "none of them", "what the v2 header carries besides the addresses"),
      option("weight", Need::optional, integer(1, 1000), &Server::weight, "1",
             "its share of a pool"),
      option_with<Server, Check>(
          "check", object("a map of the check's keys", server_check_options()),
          [](Server& server, Check check) { server.check = std::move(check); },
          "how the control plane looks at it; left out: the dam's own probes alone say whether it "
          "is up"),
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

const Table<Buckets>& bucket_options() {
  static const Table<Buckets> table{
      option("packets", Need::optional, event_rate(), &Buckets::packets, "none",
             "packets from the client"),
      option("bytes_up", Need::optional, byte_rate(), &Buckets::bytes_up, "none",
             "bytes from the client"),
      option("bytes_down", Need::optional, byte_rate(), &Buckets::bytes_down, "none",
             "bytes to the client"),
      option("connections", Need::optional, event_rate(), &Buckets::connections, "none",
             "new connections"),
      option("requests", Need::optional, event_rate(), &Buckets::requests, "none",
             "HTTP requests: of plain HTTP exactly, inside TLS by the sizes of records, rather too "
             "few "
             "than too many (config/README.md)"),
      option("concurrent", Need::optional, at_most(), &Buckets::concurrent, "none",
             "open connections at one time"),
  };
  return table;
}

const Table<SourcePrefix>& source_prefix_options() {
  static const Table<SourcePrefix> table{
      option("ipv4", Need::optional, integer(8, 32), &SourcePrefix::ipv4_bits, "32",
             "bits of an IPv4 address"),
      option("ipv6", Need::optional, integer(16, 128), &SourcePrefix::ipv6_bits, "64",
             "bits of an IPv6 address"),
  };
  return table;
}

const Table<Zone>& zone_options() {
  static const Table<Zone> table{
      option("management", Need::optional, boolean(), &Zone::management, "false",
             "this zone leads to the management server: served first, with a reserved share"),
      option("mode", Need::optional,
             one_of<Mode>({{"enforce", Mode::enforce}, {"shadow", Mode::shadow}}), &Zone::mode,
             "enforce", "shadow counts what would have been refused and lets it by"),
      option(
          "exceeded", Need::optional, exceeded(), &Zone::exceeded, "drop",
          "what happens to traffic over a limit: drop, reset, or {ban: {after, within, for}}; over "
          "a "
          "total limit, of which no single source is guilty, packets of standing connections are "
          "only dropped and nobody is banned"),
      option("per_source", Need::optional, object("a map of limits", bucket_options()),
             &Zone::per_source, "", "limits of each source on its own"),
      option("total", Need::optional, object("a map of limits", bucket_options()), &Zone::total, "",
             "limits of all sources together: they protect the server; they ban nobody and end no "
             "standing connection"),
      option(
          "key", Need::optional,
          one_of<ZoneKey>({{"source", ZoneKey::source},
                           {"ja4", ZoneKey::ja4},
                           {"source+ja4", ZoneKey::source_ja4}}),
          &Zone::key, "source",
          "what `per_source` takes for one source: an address, a kind of clients (all that share "
          "a JA4 fingerprint, whatever their addresses) or both. By address are told apart "
          "clients without a ClientHello. Clients choose their fingerprint: `total` holds those "
          "who change it. Another key makes another zone of that name, for new connections"),
      option("source_prefix", Need::optional,
             object("a map of prefix lengths", source_prefix_options()), &Zone::source_prefix, "",
             "how many leading bits of an address make one source"),
  };
  return table;
}

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

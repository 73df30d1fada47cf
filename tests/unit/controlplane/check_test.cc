// SPDX-License-Identifier: BSD-3-Clause
// What the shape of a policy cannot say: rows as in reader_test.cc.
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr char kPost[] = "{name: post, listener: mail, zone: light, server: web}";

TEST(Check, names_that_do_not_exist_are_named) {
  check({
      {"a zone",
       "name: post, listener: mail, zone: light",
       "name: post, listener: mail, zone: lihgt",
       {"dam.yaml:19:40: error: no zone is named \"lihgt\"; did you mean \"light\"?"}},
      {"a listener",
       "listener: mail",
       "listener: smtp",
       {"dam.yaml:19:28: error: no listener is named \"smtp\"; defined are https, http or mail"}},
      {"a server",
       kPost,
       "{name: post, listener: mail, zone: light, server: wob}",
       {"dam.yaml:19:55: error: no server is named \"wob\"; did you mean \"web\"?"}},
      {"a fallback",
       kPost,
       "{name: post, listener: mail, zone: light, server: web, fallback: back-ofice}",
       {"dam.yaml:19:70: error: no server is named \"back-ofice\"; did you mean \"back-office\"?"}},
      {"no server at all",
       kPost,
       "{name: post, listener: mail, zone: light}",
       {"dam.yaml:19:5: error: route \"post\" has no server; write server: NAME or servers: [NAME, "
        "…]"}},
      {"a pool with one server twice",
       kPost,
       "{name: post, listener: mail, zone: light, servers: [web, web]}",
       {"dam.yaml:19:62: error: server \"web\" is in this pool twice; a larger share is the "
        "server's weight"}},
      {"the zone front in a route",
       "name: post, listener: mail, zone: light",
       "name: post, listener: mail, zone: front",
       {"dam.yaml:19:40: error: a route cannot use the zone \"front\"; front is charged before a "
        "route is known: name another zone"}},
      {"a front zone by fingerprints",
       "  admin: {management: true}",
       "  admin: {management: true}\n  front: {key: ja4}",
       {"dam.yaml:12:3: error: the zone \"front\" knows sources by their addresses alone; it is "
        "charged before there is a ClientHello: take key off"}},
      {"a ban by fingerprints",
       "  admin: {management: true}",
       "  admin: {management: true}\n  heavy: {key: source+ja4, exceeded: {ban: {after: 1, within: "
       "1s, "
       "for: 1s}}}",
       {"dam.yaml:12:3: error: zone \"heavy\" cannot ban: bans are of addresses; write exceeded: "
        "drop or reset, or key: source"}},
      {"a management zone called front",
       "  admin: {management: true}",
       "  admin: {management: true}\n  front: {management: true}",
       {"dam.yaml:12:3: error: the zone \"front\" cannot be a management zone; it is charged "
        "before "
        "the dam knows where a connection wants to go"}},
  });
}

TEST(Check, duplicates_are_refused_where_one_would_never_be_reached) {
  check({
      {"two listeners of one name",
       "{name: http,",
       "{name: https,",
       {"dam.yaml:7:12: error: a second listener named \"https\"; the first is in line 6; one "
        "listener may have several addresses",
        "dam.yaml:18:29: error: no listener is named \"http\"; did you mean \"https\"?"}},
      {"two listeners of one address and port",
       "port: 80,",
       "port: 443,",
       {"dam.yaml:7:29: error: 198.51.100.2 port 443 is taken by listener \"https\" already; see "
        "line 6"}},
      {"two routes of one name",
       "{name: plain,",
       "{name: pages,",
       {"dam.yaml:18:12: error: a second route named \"pages\"; the first is in line 16"}},
      {"a name that another route takes",
       "manage.example.org",
       "www.example.org",
       {"dam.yaml:17:51: error: \"www.example.org\" never reaches route \"manage\": route "
        "\"pages\" "
        "takes it first; see line 16"}},
      {"a port that another route takes",
       kPost,
       "{name: post, listener: mail, zone: light, server: web}\n"
       "  - {name: post2, listener: mail, zone: light, server: web}",
       {"dam.yaml:20:5: error: connections without a server name never reaches route \"post2\": "
        "route \"post\" takes it first; see line 19"}},
      {"a name that another route takes from some clients only",
       "server_names: www.example.org, zone: light, server: web}\n  - {name: manage",
       "server_names: www.example.org, zone: light, server: web, sources: 203.0.113.0/24}\n"
       "  - {name: rest, listener: https, server_names: www.example.org, zone: light, server: "
       "web}\n"
       "  - {name: manage",
       {}},
  });
}

TEST(Check, conditions_fit_the_protocol_of_the_listener) {
  check({
      {"a tls route without names",
       "server_names: manage.example.org, ",
       "",
       {"dam.yaml:17:5: error: route \"manage\" takes no server name; write server_names: […], or "
        "absent_server_name: true for clients without one"}},
      {"names on a tcp route",
       kPost,
       "{name: post, listener: mail, zone: light, server: web, server_names: a.example.org}",
       {"dam.yaml:19:5: error: route \"post\" has server names, but listener \"mail\" is tcp; take "
        "them off, or write `protocol: tls` at the listener"}},
      {"alpn outside of tls",
       kPost,
       "{name: post, listener: mail, zone: light, server: web, alpn: h2}",
       {"dam.yaml:19:66: error: alpn works on tls listeners only; \"mail\" is another: take alpn "
        "off"}},
      {"ja4 outside of tls",
       kPost,
       "{name: post, listener: mail, zone: light, server: web, ja4: '*_*_*'}",
       {"dam.yaml:19:65: error: ja4 works on tls listeners only; \"mail\" is another: take ja4 "
        "off"}},
      {"a path inside tls",
       "server_names: manage.example.org, ",
       "server_names: manage.example.org, path: /x, ",
       {"dam.yaml:17:77: error: path works on http listeners only; inside TLS the dam cannot see "
        "it: take path off"}},
      {"a path without a slash",
       "{name: plain, listener: http, ",
       "{name: plain, listener: http, path: acme/, ",
       {"dam.yaml:18:41: error: a path begins with \"/\"; write \"/acme/\""}},
      {"an address for a TLS server name",
       "manage.example.org",
       "198.51.100.2",
       {"dam.yaml:17:51: error: a TLS server name is never an address; clients that use an address "
        "send no name: absent_server_name: true"}},
  });
}

TEST(Check, servers_and_gateways_can_be_reached) {
  check({
      {"a server without the family of its listener",
       "web: {addresses: [198.18.1.10, "
       "\"2001:db8:2::10\"], port: 443}",
       "web: {addresses: [198.18.1.10], port: 443}",
       {"dam.yaml:16:88: error: server \"web\" has no IPv6 address, but listener \"https\" takes "
        "2001:db8:1::2; add one to the server, or take this address off the listener"}},
      {"a server on no network, without a gateway of its family",
       "\"2001:db8:2::10\"",
       "\"2001:db8:9::10\"",
       {"dam.yaml:13:34: error: no interface leads to 2001:db8:9::10; give an interface an address "
        "in its network, or an IPv6 gateway"}},
      {"a server that is the dam itself",
       "[198.18.1.10,",
       "[198.18.1.1,",
       {"dam.yaml:13:21: error: 198.18.1.1 is the dam's own address; write the server's address"}},
      {"a server with two addresses of a family",
       "[198.18.1.10, \"2001:db8:2::10\"]",
       "[198.18.1.10, 198.18.1.12]",
       {"dam.yaml:13:34: error: server \"web\" has two IPv4 addresses; make them two servers, and "
        "a "
        "pool of the two: servers: [a, b]",
        "dam.yaml:16:88: error: server \"web\" has no IPv6 address, but listener \"https\" takes "
        "2001:db8:1::2; add one to the server, or take this address off the listener"}},
      {"a gateway on another network",
       "gateway: 198.51.100.1}",
       "gateway: 203.0.113.1}",
       {"dam.yaml:3:84: error: gateway 203.0.113.1 is on no network of interface \"edge\"; it must "
        "share a network with one of the interface's addresses"}},
      {"two gateways of a family",
       "gateway: 198.51.100.1}",
       "gateway: [198.51.100.1, 198.51.100.3]}",
       {"dam.yaml:3:99: error: a second IPv4 gateway; write at most one per family"}},
      {"a second way out, on another interface",
       "\"2001:db8:2::1/64\"]}",
       "\"2001:db8:2::1/64\"], gateway: [198.18.1.254, \"2001:db8:2::fe\"]}",
       {"dam.yaml:4:83: error: a second IPv4 gateway: interface \"edge\" has one (line 3), and "
        "clients behind this one would be refused; write one for the whole dam, where the clients "
        "come from"}},
      {"a link-local gateway", "gateway: 198.51.100.1}", "gateway: \"fe80::1\"}", {}},
      {"one network on two interfaces",
       "[198.18.1.1/24, \"2001:db8:2::1/64\"]",
       "[198.18.1.1/24, \"2001:db8:2::1/64\", 198.51.100.3/24]",
       {"dam.yaml:4:72: error: network 198.51.100.0/24 is on interface \"edge\" too (line 3); the "
        "dam could not tell which way leads there"}},
      {"one device twice",
       "device: veth1",
       "device: veth0",
       {"dam.yaml:4:3: error: interfaces \"edge\" and \"back\" are the same device and VLAN; put "
        "all addresses into one, or give each a vlan"}},
      {"more queues than workers",
       "device: veth1",
       "device: veth1, queues: 2",
       {"dam.yaml:4:3: error: interface \"back\" has 2 queues for 1 workers; each worker has one "
        "queue of its own: leave queues out"}},
  });
}

TEST(Check, addresses_mean_one_host_each) {
  check({
      {"the dam as its own gateway",
       "gateway: 198.51.100.1}",
       "gateway: 198.51.100.2}",
       {"dam.yaml:3:84: error: gateway 198.51.100.2 is the dam's own address; write the router's "
        "address"}},
      {"one address on two interfaces, in networks of two lengths",
       "[198.18.1.1/24, \"2001:db8:2::1/64\"]",
       "[198.18.1.1/24, \"2001:db8:2::1/64\", 198.51.100.2/25]",
       {"dam.yaml:4:72: error: address 198.51.100.2 is on interface \"edge\" already (line 3); "
        "write it once"}},
      {"a listener on a server's address",
       "addresses: 198.51.100.2, port: 80",
       "addresses: 198.18.1.10, port: 80",
       {"dam.yaml:7:29: error: 198.18.1.10 is the address of server \"web\"; a listener takes what "
        "arrives for the dam: write an address of its own"}},
      {"a server on a broadcast address",
       "[198.18.1.10,",
       "[198.18.1.255,",
       {"dam.yaml:13:21: error: 198.18.1.255 is the address of the whole network 198.18.1.0/24, or "
        "its broadcast address; no host can have it"}},
      {"a server on a network's address",
       "[198.18.1.10,",
       "[198.18.1.0,",
       {"dam.yaml:13:21: error: 198.18.1.0 is the address of the whole network 198.18.1.0/24, or "
        "its broadcast address; no host can have it"}},
      {"a listener on a broadcast address",
       "addresses: 198.51.100.2, port: 80",
       "addresses: 198.51.100.255, port: 80",
       {"dam.yaml:7:29: error: 198.51.100.255 is the address of the whole network 198.51.100.0/24, "
        "or its broadcast address; no host can have it"}},
      {"both ends of a point-to-point network are hosts",
       "[198.18.1.1/24, \"2001:db8:2::1/64\"]",
       "[198.18.1.1/24, \"2001:db8:2::1/64\", 203.0.113.1/31]",
       {}},
  });
}

TEST(Check, limits_fit_each_other) {
  check({
      {"half_open",
       "version: 1",
       "version: 1\nlimits: {half_open: 100, half_open_per_source: 200}",
       {"dam.yaml:2:9: error: half_open_per_source is larger than half_open; one source could fill "
        "the whole table: write a smaller number"}},
      {"source ports",
       "version: 1",
       "version: 1\nsource_ports: 1024-1030",
       {"dam.yaml:2:15: error: fewer than 64 source ports; each open connection to a server needs "
        "one: write e.g. 1024-65535"}},
  });
}

TEST(Check, what_is_odd_but_works_is_a_warning) {
  check({
      {"no management zone",
       "admin: {management: true}",
       "admin: {}",
       {"dam.yaml:10:3: warning: no zone has `management: true`; nothing is kept free for the "
        "management server when the dam is flooded"}},
      {"one server for both worlds",
       "zone: admin, server: back-office",
       "zone: admin, server: web",
       {"dam.yaml:14:3: warning: no route leads to the server \"back-office\"",
        "dam.yaml:17:92: warning: server \"web\" serves the management route \"manage\" and the "
        "service route \"pages\"; what happens to the service would reach management: use two "
        "servers"}},
      {"everybody denied",
       "version: 1",
       "version: 1\ndeny: [203.0.113.0/24, 0.0.0.0/0, \"::/0\"]",
       {"dam.yaml:2:24: warning: denies everybody over IPv4; only networks of the admin list are "
        "let "
        "in",
        "dam.yaml:2:35: warning: denies everybody over IPv6; only networks of the admin list are "
        "let "
        "in"}},
      {"an unused zone",
       "  admin: {management: true}",
       "  admin: {management: true}\n  heavy: {}",
       {"dam.yaml:12:3: warning: no route uses the zone \"heavy\""}},
      {"an unused listener",
       "\n  - {name: post, listener: mail, zone: light, server: web}",
       "",
       {"dam.yaml:8:12: warning: no route uses the listener \"mail\"; its connections will be "
        "refused"}},
      {"a listener on no network",
       "addresses: 198.51.100.2, port: 80",
       "addresses: 203.0.113.80, port: 80",
       {"dam.yaml:7:29: warning: 203.0.113.80 is on no network of an interface; this works only if "
        "the router sends its packets to the dam"}},
      {"the zone front belongs to no route",
       "  admin: {management: true}",
       "  admin: {management: true}\n  front: {per_source: {connections: 5r/s}}",
       {}},
  });
}

TEST(Check, a_warning_does_not_keep_a_policy_out) {
  EXPECT_TRUE(load_policy(sample_with("admin: {management: true}", "admin: {}"), "", ".").policy);
  EXPECT_FALSE(load_policy(sample_with("port: 80,", "port: 0,"), "", ".").policy);
}

}  // namespace
}  // namespace dam::control

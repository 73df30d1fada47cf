// SPDX-License-Identifier: BSD-3-Clause
// dam.yaml where there is none yet. The addresses and names in it are places that the answers take.
#include "tools/damctl/setup/policy_text.h"

namespace dam::ctl {

namespace {

constexpr char kBegin[] =
    R"(# The policy of Traffic Dam, begun by damctl setup. Edit it as you like: damctl setup may be run again,
# and changes only what it asks about.
#   every key:     config/README.md, or damctl reference
#   is it right?   damctl check
#   in force:      damctl apply (whole or not at all; connections survive)
version: 1

# ── Fixed while the dataplane runs: changes here need its restart ──────────────────────────────────

# xdp: in the kernel, beside the host's own traffic. dpdk: the cards are the dam's alone. auto: it chooses.
driver: auto

interfaces:
  # Towards the router, which passes TCP 80 and 443 on to this host (or its address is the public one).
  front:
    device: front
    vlan: 1
    addresses: [192.0.2.1/24]
    gateway: [192.0.2.254]
  # The service server's network.
  service:
    device: service
    vlan: 1
    addresses: [192.0.2.1/24]
  # The management server's network: nothing leads there from the service server's but the dam.
  management:
    device: management
    vlan: 1
    addresses: [192.0.2.1/24]

# ── Everything below may change while traffic flows ────────────────────────────────────────────────

# Where the administrators sit: never banned, never denied, whatever happens.
admin: [192.0.2.1]

# Refusals, bans and one in so many connections, as lines of JSON: journalctl -t dam
logs: {connections: 1, journal: true}

listeners:
  - name: https
    addresses: [192.0.2.1]
    port: 443
    protocol: tls              # routed by the server name in the ClientHello; never decrypted
  - name: http
    addresses: [192.0.2.1]
    port: 80
    protocol: http             # routed by Host and path

zones:
  # Charged before a connection's route is known.
  front:
    per_source:
      connections: "50r/s burst=200"

  # Pages and static files: loose, so that they load at once.
  light:
    per_source:
      packets: "5000r/s burst=10000"
      connections: "50r/s burst=100"
      concurrent: 256

)";

constexpr char kHeavy[] =
    R"(  # APIs and back ends: strict, so that macros wait and the back end breathes. Begin with `mode: shadow` where
  # you do not know your clients yet: it counts what would be refused, and lets it by.
  heavy:
    mode: enforce
    exceeded: {ban: {after: 100, within: 10s, for: 10m}}
    per_source:
      packets: "500r/s burst=1000"
      connections: "10r/s burst=20"
      concurrent: 64
    total:                     # of all clients together: what the server bears; over it nobody is banned
      connections: "1000r/s burst=2000"

)";

constexpr char kEnd[] =
    R"(  # The way to the management server: served first, with a reserved share of every table.
  management:
    management: true
    exceeded: reset
    per_source:
      connections: "5r/s burst=50"

servers:
  # proxy: the header that tells a server who the client is. nginx: listen 443 ssl proxy_protocol;
  service:
    addresses: [192.0.2.1]
    port: 65535
    proxy: v2
  service-http:
    addresses: [192.0.2.1]
    port: 65535
    proxy: v2
  management:
    addresses: [192.0.2.1]
    port: 65535
    proxy: v2
  management-http:
    addresses: [192.0.2.1]
    port: 65535
    proxy: v2

routes:
  - name: management
    listener: https
    server_names: [manage.invalid]
    zone: management
    server: management
  - name: api
    listener: https
    server_names: [api.invalid]
    zone: heavy
    server: service
  - name: pages
    listener: https
    server_names: [www.invalid]
    zone: light
    server: service

  # Each server proves its own names to the certificate authority over plain HTTP.
  - name: acme-management
    listener: http
    server_names: [manage.invalid]
    path: /.well-known/acme-challenge/
    zone: management
    server: management-http
  - name: plain
    listener: http
    server_names: [www.invalid, api.invalid]
    zone: light
    server: service-http
)";

}  // namespace

std::string fresh_policy(bool with_apis) {
  return std::string(kBegin) + (with_apis ? kHeavy : "") + kEnd;
}

}  // namespace dam::ctl

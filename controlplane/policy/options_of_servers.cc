// SPDX-License-Identifier: BSD-3-Clause
// Servers and their checks.
#include "controlplane/policy/option_tables.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

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

}  // namespace

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

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/server_host.h"

#include <algorithm>

namespace dam::simulation {

ServerHost::ServerHost(Environment& environment, ConnectionBook& book, netif* host, Nic& nic,
                       uint16_t slot, const Site& site)
    : environment_(environment),
      book_(book),
      host_(host),
      nic_(nic),
      slot_(slot),
      proxy_(site.proxy[slot]),
      tlvs_(site.tlvs),
      speaks_first_(site.speak_first) {
  nic_.expects_header = proxy_ != ProxyVersion::none;
  listen();
}

void ServerHost::listen() {
  if (!listeners_.empty()) return;
  for (const uint8_t family : {uint8_t{4}, uint8_t{6}}) {
    const ip_addr_t address = LwipStack::address_of(server_address(slot_, family));
    tcp_pcb* pcb = tcp_new_ip_type(family == 4 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
    tcp_bind_netif(pcb, host_);
    ip_set_option(pcb, SOF_REUSEADDR);
    tcp_bind(pcb, &address, kTlsPort);
    listeners_.push_back(tcp_listen(pcb));
    tcp_arg(listeners_.back(), this);
    tcp_accept(listeners_.back(), on_accept);
  }
}

void ServerHost::refuse() {
  for (tcp_pcb* listener : listeners_) tcp_close(listener);
  listeners_.clear();
}

void ServerHost::die() {
  nic_.dead = true;
  refuse();
  for (Accepted& accepted : accepted_) accepted.endpoint->vanish();
}

void ServerHost::revive() {
  nic_.dead = false;
  listen();
}

void ServerHost::broken(const std::string& what, const Connection& connection) {
  environment_.broken(what + ", connection " + std::to_string(connection.id) + " at server " +
                      std::to_string(slot_));
}

err_t ServerHost::on_accept(void* self, tcp_pcb* pcb, err_t error) {
  if (error == ERR_OK && pcb != nullptr) static_cast<ServerHost*>(self)->accept(pcb);
  return ERR_OK;
}

void ServerHost::accept(tcp_pcb* pcb) {
  Accepted& accepted = accepted_.emplace_back();
  accepted.local = LwipStack::address_of(pcb->local_ip);
  accepted.remote = LwipStack::address_of(pcb->remote_ip);
  accepted.remote_port = pcb->remote_port;
  Endpoint::Application application;
  application.make = [&accepted](uint64_t offset, std::span<uint8_t> octets) {
    make_down_octets(*accepted.connection, offset, octets);
  };
  application.take = [this, &accepted](std::span<const uint8_t> octets) { take(accepted, octets); };
  application.ended = [] {};
  accepted.endpoint = std::make_unique<Endpoint>(environment_, std::move(application));
  accepted.endpoint->attach(pcb);
  accepted.endpoint->connected();
}

void ServerHost::take(Accepted& accepted, std::span<const uint8_t> octets) {
  if (accepted.connection == nullptr) {
    accepted.unread.insert(accepted.unread.end(), octets.begin(), octets.end());
    return identify(accepted);
  }
  const Connection& connection = *accepted.connection;
  if (octets.size() > connection.up_bytes() - accepted.offset)
    return broken("more octets than were sent", connection);
  const size_t right = count_right(connection, false, accepted.offset, octets);
  accepted.offset += right;
  if (right == octets.size()) return;
  broken("octet " + std::to_string(accepted.offset) + " up is another", connection);
}

void ServerHost::identify(Accepted& accepted) {
  ProxyHeader header;
  if (proxy_ != ProxyVersion::none) {
    header = read_proxy_header(accepted.unread);
    if (header.is == ProxyHeader::Is::incomplete) return;
    if (header.is == ProxyHeader::Is::bad)
      return environment_.broken("no PROXY header that can be read");
  }
  const Bytes rest(accepted.unread.begin() + header.bytes, accepted.unread.end());
  std::optional<uint32_t> id = identity_of(rest);
  if (!id && speaks_first_ && header.bytes != 0) id = book_.who_waits(header.src, header.src_port);
  if (!id) return;
  Connection* connection = book_.find(*id);
  if (connection == nullptr) return environment_.broken("a server got what no client has sent");
  // A client that never heard of the end of its connection sends its first octets again, with a
  // cookie that still holds: it begins anew.
  const bool gone = connection->jumped || connection->interrupted ||
                    connection->server_end.outcome != Outcome::open;
  if (connection->reached && !gone) {
    return broken("its opening has come to a server twice", *connection);
  }
  connection->begun_again = connection->reached;
  connection->reached = true;
  connection->reached_ns = environment_.now_ns();
  environment_.trace.say(environment_.now_ns(), "connection " + std::to_string(*id) +
                                                    " reached server " + std::to_string(slot_) +
                                                    ", from port " +
                                                    std::to_string(accepted.remote_port));
  accepted.connection = connection;
  const bool management = connection->kind == Kind::manage;
  if (management != (slot_ == kAdminServer)) broken("it is in the wrong world", *connection);
  if (proxy_ != ProxyVersion::none) check_header(header, *connection);
  join_ends(accepted, header.bytes);
  book_.owners[{text_of(accepted.local), text_of(accepted.remote), accepted.remote_port}] =
      connection;
  const Bytes octets = std::move(accepted.unread);
  take(accepted, std::span(octets).subspan(header.bytes));
  accepted.endpoint->begin(connection->server_plan, connection->server_plan.bytes,
                           connection->server_end, header.bytes);
}

void ServerHost::check_header(const ProxyHeader& header, const Connection& connection) {
  const dam_address client = client_address(connection.client, connection.family);
  const dam_address listener = public_address(connection.family);
  const uint8_t version = proxy_ == ProxyVersion::v1 ? 1 : 2;
  if (header.version != version) broken("the PROXY header's version", connection);
  if (!dam_address_equal(&header.src, &client) || header.src_port != connection.client_port) {
    broken("the PROXY header names another client, " + text_of(header.src) + ":" +
               std::to_string(header.src_port),
           connection);
  }
  if (!dam_address_equal(&header.dst, &listener) || header.dst_port != connection.listener_port) {
    broken("the PROXY header names another listener", connection);
  }
  if (version == 1) return;
  const auto expects = [&](uint8_t flag, uint8_t type) {
    const bool there = header.tlvs.contains(type);
    if (there && (tlvs_ & flag) == 0) broken("a TLV that nobody wants", connection);
    if (!there && (tlvs_ & flag) != 0) broken("a TLV is missing", connection);
  };
  expects(kTlvCrc32c, 3);
  expects(kTlvUniqueId, 5);
  if (connection.kind != Kind::raw) expects(kTlvAuthority, 2);
}

void ServerHost::join_ends(Accepted& accepted, uint32_t header_bytes) {
  const Connection& connection = *accepted.connection;
  const auto here = nic_.find(accepted.local, kTlsPort, accepted.remote, accepted.remote_port);
  const auto& there = connection.at_client;
  if (here == nullptr || there == nullptr)
    return broken("nobody has such a connection", connection);
  if (nic_.expects_header && here->opening.size() != header_bytes) {
    broken("the PROXY header did not come whole and alone", connection);
  }
  if (there->other && there->other != here) there->note_another(environment_.now_ns());
  here->longer_here = header_bytes;
  here->other = there;
  there->other = here;
}

}  // namespace dam::simulation

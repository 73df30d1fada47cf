// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/world.h"

namespace dam::simulation {

namespace {

constexpr uint16_t kHostMtu = 1488;  // what lwIP may use: timestamps take 12

err_t on_connected(void* self, tcp_pcb*, err_t) {
  static_cast<Endpoint*>(self)->connected();
  return ERR_OK;
}

}  // namespace

World::World(Environment& environment, const Site& site, uint16_t clients)
    : environment_(environment), stack_(environment) {
  dam_ = std::make_unique<Dam>(environment, site,
                               [this](Bytes packet) { deliver(std::move(packet)); });
  for (uint16_t i = 0; i < clients; ++i) {
    add_host(clients_, client_address(i, 4), client_address(i, 6), kFrontPort);
  }
  for (uint16_t slot = 0; slot < kServers; ++slot) {
    add_host(server_hosts_, server_address(slot, 4), server_address(slot, 6),
             slot == kAdminServer ? kManagementPort : kServicePort);
    Host& host = server_hosts_.back();
    servers_.push_back(
        std::make_unique<ServerHost>(environment, book_, host.interface, *host.nic, slot, site));
  }
  dam_->apply(policy_of(site));
}

void World::add_host(std::deque<Host>& hosts, const dam_address& v4, const dam_address& v6,
                     uint8_t port) {
  Host& host = hosts.emplace_back();
  const std::string name = text_of(v4);
  const dam_address router = make_v4(198, 18, 255, 1);
  const auto to_dam = [this, port](Bytes packet) { dam_->receive(port, std::move(packet)); };
  const auto to_host = [&host](Bytes packet) { host.nic->receive(std::move(packet)); };
  host.interface = stack_.add_host(v4, v6, kHostMtu);
  host.up = std::make_unique<Link>(environment_, name + " up  ", router, to_dam, to_host);
  host.down = std::make_unique<Link>(environment_, name + " down", router, to_host, to_dam);
  host.nic = std::make_unique<Nic>(environment_, stack_, host.interface, *host.up);
}

Host* World::host_of(const dam_address& address) {
  const uint8_t family = dam_address_is_v4(&address) ? 4 : 6;
  for (uint16_t i = 0; i < clients(); ++i) {
    const dam_address its = client_address(i, family);
    if (dam_address_equal(&its, &address)) return &clients_[i];
  }
  for (uint16_t slot = 0; slot < kServers; ++slot) {
    const dam_address its = server_address(slot, family);
    if (dam_address_equal(&its, &address)) return &server_hosts_[slot];
  }
  return nullptr;
}

void World::deliver(Bytes packet) {
  const auto view = view_ip(packet.data(), packet.size());
  Host* host = view ? host_of(view->dst) : nullptr;
  if (host == nullptr) {
    if (!damages_) environment_.broken("the dam sent to nobody: " + text_of(packet));
    return;
  }
  host->down->send(std::move(packet));
}

void World::expect_strangers() {
  damages_ = true;
  for (Host& host : clients_) host.nic->hostile = true;
  for (Host& host : server_hosts_) host.nic->hostile = true;
}

std::optional<std::pair<uint16_t, uint8_t>> World::owner_of(const TcpView& view) const {
  const auto found = book_.owners.find({text_of(view.src), text_of(view.dst), view.dst_port});
  if (found == book_.owners.end()) return std::nullopt;
  return std::pair{found->second->client, found->second->family};
}

void World::set_faults(const LinkFaults& front, const LinkFaults& back) {
  damages_ |= front.corrupt > 0 || back.corrupt > 0;
  const auto set = [](Link& link, const LinkFaults& faults) {  // what it takes stays as it is
    const uint16_t mtu = link.faults.mtu;
    link.faults = faults;
    link.faults.mtu = mtu;
  };
  for (Host& host : clients_) {
    set(*host.up, front);
    set(*host.down, front);
  }
  for (Host& host : server_hosts_) {
    set(*host.up, back);
    set(*host.down, back);
  }
}

void World::take(Connection& connection, std::span<const uint8_t> octets) {
  const uint64_t offset = connection.client_end.received - octets.size();
  const size_t right = count_right(connection, true, offset, octets);
  if (right == octets.size()) return;
  environment_.broken("octet " + std::to_string(offset + right) + " down is another, connection " +
                      std::to_string(connection.id));
}

void World::start(Connection& connection) {
  environment_.trace.say(environment_.now_ns(), "connection " + std::to_string(connection.id) +
                                                    " begins, from port " +
                                                    std::to_string(connection.client_port));
  Endpoint::Application application;
  application.make = [&connection](uint64_t offset, std::span<uint8_t> octets) {
    make_up_octets(connection, offset, octets);
  };
  application.take = [this, &connection](std::span<const uint8_t> octets) {
    take(connection, octets);
  };
  application.ended = [&connection] { connection.over = true; };
  const bool v4 = connection.family == 4;
  const ip_addr_t from =
      LwipStack::address_of(client_address(connection.client, connection.family));
  const ip_addr_t to = LwipStack::address_of(public_address(connection.family));
  tcp_pcb* pcb = tcp_new_ip_type(v4 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
  tcp_bind_netif(pcb, clients_[connection.client].interface);
  ip_set_option(pcb, SOF_REUSEADDR);
  Endpoint& endpoint = endpoints_.emplace_back(environment_, std::move(application));
  endpoint.attach(pcb);
  endpoint.begin(connection.client_plan, connection.up_bytes(), connection.client_end);
  if (tcp_bind(pcb, &from, connection.client_port) != ERR_OK ||
      tcp_connect(pcb, &to, connection.listener_port, on_connected) != ERR_OK) {
    environment_.broken("lwIP cannot begin connection " + std::to_string(connection.id));
  }
  connection.at_client = clients_[connection.client].nic->find(
      client_address(connection.client, connection.family), connection.client_port,
      public_address(connection.family), connection.listener_port);
}

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/compile.h"

#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

uint32_t u32(uint64_t value) { return static_cast<uint32_t>(value); }

void fill(v1::Interface* to, const Named<Interface>& from) {
  to->set_name(from.name);
  to->set_device(from.value.device);
  to->set_vlan(u32(from.value.vlan));
  to->set_mtu(u32(from.value.mtu));
  to->set_queues(u32(from.value.queues));
  if (from.value.host_path) {
    to->set_host_path(*from.value.host_path ? v1::HOST_PATH_OPEN : v1::HOST_PATH_NONE);
  }
  for (const auto& own : from.value.addresses) write_subnet(own.value, *to->add_addresses());
  for (const auto& gateway : from.value.gateways) to->add_gateways(gateway.value.wire());
}

void fill(v1::Limits* to, const Limits& from) {
  to->set_flows(u32(from.flows));
  to->set_half_open(u32(from.half_open));
  to->set_sources(u32(from.sources));
  to->set_hold_bytes(from.hold_bytes);
  to->set_hello_bytes(u32(from.hello_bytes));
}

void fill(v1::Timeouts* to, const Timeouts& from) {
  to->set_hello(from.hello_ns);
  to->set_connect(from.connect_ns);
  to->set_idle(from.idle_ns);
  to->set_half_closed(from.half_closed_ns);
  to->set_closing(from.closing_ns);
  to->set_port_rest(from.port_rest_ns);
  to->set_probe_interval(from.probe_interval_ns);
}

v1::Protocol protocol(Protocol from) {
  switch (from) {
    case Protocol::http:
      return v1::HTTP;
    case Protocol::tcp:
      return v1::TCP;
    default:
      return v1::TLS;
  }
}

void fill(v1::Listener* to, const Listener& from) {
  to->set_name(from.name.value);
  to->set_port(u32(from.port));
  to->set_protocol(protocol(from.protocol));
  for (const auto& address : from.addresses) to->add_addresses(address.value.wire());
}

void fill(v1::Bucket* to, const Rate& from) {
  to->set_rate(from.per_second);
  to->set_burst(from.burst);
}

void fill(v1::Buckets* to, const Buckets& from) {
  fill(to->mutable_packets(), from.packets);
  fill(to->mutable_bytes_up(), from.bytes_up);
  fill(to->mutable_bytes_down(), from.bytes_down);
  fill(to->mutable_connections(), from.connections);
  fill(to->mutable_requests(), from.requests);
  to->set_concurrent(u32(from.concurrent));
}

v1::Exceeded action(Action from) {
  switch (from) {
    case Action::reset:
      return v1::RESET;
    case Action::ban:
      return v1::BAN;
    default:
      return v1::DROP;
  }
}

void fill(v1::Zone* to, const Named<Zone>& from) {
  const Zone& zone = from.value;
  to->set_name(from.name);
  to->set_management(zone.management);
  to->set_mode(zone.mode == Mode::shadow ? v1::SHADOW : v1::ENFORCE);
  to->set_exceeded(action(zone.exceeded.action));
  to->set_ban_after(u32(zone.exceeded.ban.after));
  to->set_ban_within_ns(zone.exceeded.ban.within_ns);
  to->set_ban_for_ns(zone.exceeded.ban.for_ns);
  fill(to->mutable_per_source(), zone.per_source);
  fill(to->mutable_total(), zone.total);
  to->set_key(static_cast<v1::ZoneKey>(zone.key));
  to->set_source_bits_v4(u32(zone.source_prefix.ipv4_bits));
  to->set_source_bits_v6(u32(zone.source_prefix.ipv6_bits));
}

v1::ProxyVersion proxy_version(Proxy from) {
  switch (from) {
    case Proxy::none:
      return v1::NONE;
    case Proxy::v1:
      return v1::V1;
    default:
      return v1::V2;
  }
}

void set_tlv(v1::Server* to, Tlv tlv) {
  switch (tlv) {
    case Tlv::alpn:
      return to->set_tlv_alpn(true);
    case Tlv::authority:
      return to->set_tlv_authority(true);
    case Tlv::unique_id:
      return to->set_tlv_unique_id(true);
    case Tlv::crc32c:
      return to->set_tlv_crc32c(true);
  }
}

void fill(v1::Server* to, const Named<Server>& from) {
  to->set_name(from.name);
  to->set_port(u32(from.value.port));
  to->set_proxy(proxy_version(from.value.proxy));
  to->set_weight(u32(from.value.weight));
  for (const auto& address : from.value.addresses) to->add_addresses(address.value.wire());
  for (const auto& tlv : from.value.tlvs) set_tlv(to, tlv.value);
}

void fill(v1::Route* to, const Route& from) {
  to->set_name(from.name.value);
  to->set_listener(from.listener.value);
  to->set_zone(from.zone.value);
  to->set_fallback(from.fallback.value);
  to->set_absent_name(from.absent_server_name);
  to->set_path_prefix(from.path.value);
  for (const auto& server : from.servers) to->add_servers(server.value);
  for (const auto& name : from.server_names) to->add_server_names(name.value);
  for (const auto& protocol : from.alpn) to->add_alpn(protocol.value);
  for (const auto& pattern : from.ja4) to->add_ja4(pattern.value);
  for (const Network& source : from.sources) write_subnet(source, *to->add_sources());
}

const char* driver_name(Driver driver) {
  switch (driver) {
    case Driver::dpdk:
      return "dpdk";
    case Driver::xdp:
      return "xdp";
    default:
      return "auto";
  }
}

const char* hugepages_name(Hugepages hugepages) {
  switch (hugepages) {
    case Hugepages::on:
      return "on";
    case Hugepages::off:
      return "off";
    default:
      return "auto";
  }
}

}  // namespace

v1::Start compile_start(const Policy& policy) {
  v1::Start start;
  start.set_driver(driver_name(policy.driver));
  start.set_workers(u32(policy.workers));
  start.set_hugepages(hugepages_name(policy.hugepages));
  start.set_xdp_beside_others(policy.xdp.beside_others);
  start.set_dpdk_bind(policy.dpdk.bind);
  start.set_dpdk_unsafe_noiommu(policy.dpdk.unsafe_noiommu);
  for (const auto& interface : policy.interfaces) fill(start.add_interfaces(), interface);
  fill(start.mutable_limits(), policy.limits);
  return start;
}

v1::Snapshot compile_snapshot(const Policy& policy, uint64_t version) {
  v1::Snapshot snapshot;
  snapshot.set_version(version);
  fill(snapshot.mutable_timeouts(), policy.timeouts);
  const PortRange ports = policy.source_ports.value;
  snapshot.set_first_source_port(ports.first);
  snapshot.set_last_source_port(ports.last);
  for (const auto& listener : policy.listeners) fill(snapshot.add_listeners(), listener);
  for (const auto& zone : policy.zones) fill(snapshot.add_zones(), zone);
  for (const auto& server : policy.servers) fill(snapshot.add_servers(), server);
  for (const auto& route : policy.routes) fill(snapshot.add_routes(), route);
  for (const Network& network : policy.admin) write_subnet(network, *snapshot.add_allow());
  snapshot.mutable_deny()->Reserve(static_cast<int>(policy.deny.size()));
  for (const Network& network : policy.deny) write_subnet(network, *snapshot.add_deny());
  snapshot.set_half_open_per_source(u32(policy.limits.half_open_per_source));
  snapshot.set_management_share_percent(policy.limits.management_share_percent);
  if (policy.logs.has_sink()) snapshot.set_log_connections_every(u32(policy.logs.connections));
  if (policy.lookalikes && snapshot.log_connections_every() == 0) {
    snapshot.set_log_connections_every(1);  // no lines, but behaviour
  }
  return snapshot;
}

}  // namespace dam::control

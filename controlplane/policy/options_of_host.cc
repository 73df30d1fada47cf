// SPDX-License-Identifier: BSD-3-Clause
// What a dataplane is started with, and how long it waits.
#include "controlplane/policy/option_tables.h"
#include "dataplane/core/counters.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr uint64_t kMostFlows = 64'000'000;

}  // namespace

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

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/pci_device.h"
#include "tools/damctl/doctor/findings.h"

namespace dam::ctl {

namespace {

using Findings = std::vector<Finding>;

constexpr uint32_t kFrameMtu = 1500;   // what the dam's buffers hold
constexpr uint32_t kNativeMtu = 3498;  // a page, less XDP's headroom and the kernel's tail
constexpr uint32_t kMostQueues = 64;

std::vector<const Wishes::Interface*> wishes_of(const Facts& facts, const DeviceFacts& device) {
  std::vector<const Wishes::Interface*> found;
  for (const Wishes::Interface& one : facts.wishes.interfaces) {
    if (one.device == device.name) found.push_back(&one);
  }
  return found;
}

// What the dataplane does before it opens its ports, or why it will not.
void taking(const DeviceFacts& device, Findings& out) {
  if (!device.taken) return;
  if (device.nic_obstacle.empty()) {
    out.push_back({Level::fine, "DPDK can have it while the dam runs", ""});
  } else {
    out.push_back({Level::problem, device.nic_obstacle, ""});
  }
}

void pci(const Facts& facts, const DeviceFacts& device, Findings& out) {
  if (facts.on_xdp()) {
    out.push_back({Level::problem, "a PCI address is for driver: dpdk",
                   "the interface's name in dam.yaml, or driver: dpdk"});
  }
  if (!device.pci_exists) {
    out.push_back({Level::problem, "there is no such PCI device", "lspci -D | grep -i ethernet"});
    return;
  }
  const std::string& driver = device.pci_driver;
  out.push_back({Level::fine,
                 is_user_space(driver) || is_bifurcated(driver) ? "bound to " + driver
                 : driver.empty()                               ? "no driver of the kernel's has it"
                                  : "the kernel's driver " + driver + " has it",
                 ""});
  taking(device, out);
}

void abilities(const DeviceFacts& device, Findings& out) {
  const std::string says = std::string(" (says ") + device.xdp.source + ")";
  if (device.xdp.native == Known::yes) {
    out.push_back({Level::fine, "native XDP" + says, ""});
  } else if (device.xdp.native == Known::no) {
    out.push_back({Level::warning,
                   "the driver takes no XDP program" + says +
                       ": the kernel's generic mode serves, at a multiple of the cost",
                   ""});
    return;
  } else {
    out.push_back({Level::note, "whether its driver takes XDP programs is not known", ""});
  }
  const bool zero_copy = device.xdp.zero_copy == Known::yes;
  out.push_back({Level::fine,
                 zero_copy ? "zero copy to the dataplane"
                           : "no zero copy: handshakes are copied to the dataplane; standing "
                             "connections never leave the kernel anyway",
                 ""});
}

void program(const DeviceFacts& device, Findings& out) {
  if (!device.program) return;
  const std::string text = describe(*device.program);
  if (device.program->name == kOwnProgram) {
    out.push_back({Level::fine, "the dam's XDP " + text, ""});
    return;
  }
  if (device.program->name.empty()) {  // only root may ask
    out.push_back({Level::note, "an XDP " + text + " is attached; whose it is, root is told",
                   "sudo damctl doctor"});
    return;
  }
  if (device.program->name == kDispatcherProgram) {
    out.push_back({Level::warning,
                   "an XDP " + text +
                       " is attached, which calls several programs: the dam is one of them if "
                       "asked",
                   "xdp: {beside_others: true} in dam.yaml"});
    return;
  }
  out.push_back({Level::problem, "an XDP " + text + " is attached, and there is room for one",
                 "ip link set dev " + device.name +
                     (device.program->generic ? " xdpgeneric off" : " xdp off")});
}

void offloads(const Facts& facts, const DeviceFacts& device, Findings& out) {
  const auto wishes = wishes_of(facts, device);
  const bool vlans =
      std::any_of(wishes.begin(), wishes.end(), [](const auto* wish) { return wish->vlan != 0; });
  for (size_t i = 0; i < kOffloads.size(); ++i) {
    const Offload& offload = kOffloads[i];
    const uint32_t bit = 1u << i;
    if ((device.offloads_stuck & bit) == 0) continue;
    const bool harmless = bit == kVlanParse && !vlans;
    out.push_back(
        {harmless ? Level::warning : Level::problem,
         std::string(offload.ethtool) + " is on and cannot be switched off: it " + offload.harm,
         "driver: dpdk in dam.yaml, or another NIC"});
  }
  const uint32_t off = device.offloads_on & ~device.offloads_stuck;
  if (off == 0) return;
  out.push_back({Level::note,
                 names_of_offloads(off) +
                     " on: the dam switches this off when it starts, and on again at its end",
                 ""});
}

void mtu(const Facts& facts, const DeviceFacts& device, Findings& out) {
  uint32_t wanted = 0;
  for (const auto* wish : wishes_of(facts, device)) wanted = std::max(wanted, wish->mtu);
  const std::string is = "MTU " + std::to_string(device.link.mtu);
  const std::string set = "ip link set dev " + device.name + " mtu ";
  if (device.link.mtu < wanted) {
    out.push_back({Level::problem, is + ", the policy wants " + std::to_string(wanted),
                   set + std::to_string(wanted)});
  } else if (facts.on_xdp() && device.link.mtu > kNativeMtu) {
    out.push_back({Level::warning,
                   is + ": most drivers take an XDP program up to about " +
                       std::to_string(kNativeMtu) + " only; else generic mode serves",
                   set + std::to_string(kFrameMtu)});
  } else if (device.link.mtu > kFrameMtu) {
    out.push_back({Level::note, is + ": the dam takes 1500 at most; larger frames to it are lost",
                   set + std::to_string(kFrameMtu)});
  } else {
    out.push_back({Level::fine, is, ""});
  }
}

void queues(const Facts& facts, const DeviceFacts& device, Findings& out) {
  const uint32_t have = device.link.rx_queues;
  const std::string set = "ethtool -L " + device.name + " combined ";
  if (facts.on_xdp()) {
    const bool many = have > kMostQueues;
    out.push_back({many ? Level::problem : Level::fine,
                   std::to_string(have) + " receive queue(s)" + (many ? ", 64 at most" : ""),
                   many ? set + std::to_string(kMostQueues) : ""});
    return;
  }
  const uint32_t workers = facts.wishes.workers;
  const bool fit = have == workers && device.link.tx_queues >= workers;
  out.push_back({fit ? Level::fine : Level::problem,
                 std::to_string(have) + " receive queue(s) for " + std::to_string(workers) +
                     " worker(s)" + (fit ? "" : ", which need one each"),
                 fit ? "" : set + std::to_string(workers)});
}

void addresses(const Facts& facts, const DeviceFacts& device, Findings& out) {
  const auto& have = device.host.addresses;
  if (!facts.on_xdp()) {
    const auto wishes = wishes_of(facts, device);
    const bool goes_on = std::any_of(wishes.begin(), wishes.end(), [](const auto* wish) {
      return wish->host_path.value_or(false);
    });
    if (have.empty() || goes_on) return;
    out.push_back(
        {Level::warning,
         "the host has " + have.front() + " here, and loses it to DPDK while the dam runs",
         "driver: xdp in dam.yaml"});
    return;
  }
  for (const auto* wish : wishes_of(facts, device)) {
    if (wish->vlan != 0) {
      const auto& hosts = device.vlans_of_host;
      const bool by_host = std::find(hosts.begin(), hosts.end(), wish->vlan) != hosts.end();
      out.push_back({Level::fine,
                     "VLAN " + std::to_string(wish->vlan) +
                         (by_host ? ": the host is on it, and answers ARP and NDP there"
                                  : ": the host is not on it; the dam answers ARP and NDP there"),
                     ""});
      continue;
    }
    for (const Wishes::Address& address : wish->addresses) {
      if (std::find(have.begin(), have.end(), address.text) != have.end()) continue;
      out.push_back(
          {Level::problem,
           "the host has not " + address.text + " here, so nobody answers ARP or NDP for it",
           "ip addr add " + address.text + "/" + std::to_string(address.prefix_bits) + " dev " +
               device.name});
    }
  }
}

void veth(const DeviceFacts& device, Findings& out) {
  if (device.link.driver != "veth") return;
  out.push_back(
      {Level::note,
       "a veth: its other end, which cannot be seen from here, must compute checksums and "
       "write VLAN tags itself, and needs an XDP program that passes everything",
       "ethtool -K OTHER_END tx off tso off gso off txvlan off"});
}

}  // namespace

std::vector<Finding> findings_of_device(const Facts& facts, const DeviceFacts& device) {
  Findings out;
  if (device.kind == DeviceKind::pci) {
    pci(facts, device, out);
    return out;
  }
  if (device.kind == DeviceKind::vdev) {
    out.push_back({facts.on_xdp() ? Level::problem : Level::fine, "a device of DPDK's own",
                   facts.on_xdp() ? "driver: dpdk in dam.yaml" : ""});
    return out;
  }
  if (!device.link.exists && device.taken && device.nic_obstacle.empty()) {
    out.push_back({Level::fine, "DPDK has taken it from the kernel", ""});
    return out;
  }
  if (!device.link.exists) {
    out.push_back(
        {Level::problem, "there is no such interface in this network namespace", "ip -br link"});
    return out;
  }
  out.push_back({Level::fine,
                 "kernel driver " + (device.link.driver.empty() ? "unknown" : device.link.driver),
                 ""});
  if (!device.link.up) {
    out.push_back({Level::problem, "it is down", "ip link set dev " + device.name + " up"});
  }
  if (facts.on_xdp()) abilities(device, out);
  program(device, out);
  taking(device, out);
  if (!device.taken) queues(facts, device, out);
  mtu(facts, device, out);
  if (facts.on_xdp()) offloads(facts, device, out);
  if (!device.taken) addresses(facts, device, out);
  veth(device, out);
  return out;
}

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdio>

#include "tools/damctl/doctor/findings.h"

namespace dam::ctl {

namespace {

using Findings = std::vector<Finding>;

constexpr uint64_t kFrameArea = 32ull << 20;  // what AF_XDP's frames take

void kernel(const Facts& facts, Findings& out) {
  int major = 0;
  int minor = 0;
  const int read = std::sscanf(facts.machine.kernel.c_str(), "%d.%d", &major, &minor);
  const bool old = read == 2 && (major < 6 || (major == 6 && minor < 1));
  if (old) {
    out.push_back({Level::problem,
                   "Linux " + facts.machine.kernel + " is too old: 6.1 or later is needed",
                   "apt install linux-image-amd64  (Debian 12 has 6.1)"});
  } else {
    out.push_back({Level::fine, "Linux " + facts.machine.kernel, ""});
  }
}

void xdp_needs(const Facts& facts, Findings& out) {
  const MachineFacts& machine = facts.machine;
  if (!machine.af_xdp) {
    out.push_back({Level::problem, "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)",
                   "driver: dpdk in dam.yaml, or another kernel"});
  }
  if (!machine.bpffs) {
    out.push_back({Level::warning,
                   "no bpffs is mounted at /sys/fs/bpf, where connections outlive the dataplane",
                   "mount -t bpf bpf /sys/fs/bpf"});
  }
  if (machine.memlock_bytes && *machine.memlock_bytes < kFrameArea) {
    out.push_back({Level::note,
                   "memory may be locked up to " + std::to_string(*machine.memlock_bytes >> 20) +
                       " MiB here; without CAP_IPC_LOCK (root has it) AF_XDP needs 32 MiB",
                   "LimitMEMLOCK=infinity in the unit of dam-dataplane"});
  }
}

std::string range_text(Ports ports) {
  return std::to_string(ports.first) + "-" + std::to_string(ports.last);
}

void ports(const Facts& facts, Findings& out) {
  const MachineFacts& machine = facts.machine;
  const Ports own = facts.wishes.source_ports;
  if (!machine.ephemeral || !machine.reserved) return;
  if (!overlap(*machine.ephemeral, own)) {
    out.push_back(
        {Level::fine, "source_ports " + range_text(own) + " lie apart from the host's own", ""});
    return;
  }
  if (count_free(*machine.ephemeral, with_ports(*machine.reserved, own)) < kLeastEphemeral) {
    out.push_back({Level::warning,
                   "source_ports " + range_text(own) + " leave the host none of its own (" +
                       range_text(*machine.ephemeral) +
                       "): they are not reserved, and a connection of the host's to a server may "
                       "be taken for the dam's",
                   "source_ports: 1024-" +
                       std::to_string(std::max(2048, int{machine.ephemeral->first}) - 1) +
                       "  in dam.yaml"});
    return;
  }
  out.push_back({Level::note,
                 "source_ports " + range_text(own) + " overlap the host's own (" +
                     range_text(*machine.ephemeral) +
                     "): they are reserved for the dam while it runs",
                 ""});
}

void dpdk_needs(const Facts& facts, Findings& out) {
  const MachineFacts& machine = facts.machine;
  const uint64_t mib = machine.free_hugepage_bytes >> 20;
  if (mib > 0) {
    out.push_back({Level::fine, std::to_string(mib) + " MiB of huge pages are free", ""});
  } else if (!facts.wishes.hugepages_off) {
    out.push_back({facts.wishes.hugepages_on ? Level::problem : Level::warning,
                   "no huge pages are free; with ordinary ones DPDK works, and misses the TLB",
                   "sysctl -w vm.nr_hugepages=512"});
  }
  if (facts.wishes.workers >= machine.cpus) {
    out.push_back({Level::warning,
                   std::to_string(facts.wishes.workers) + " worker(s) on " +
                       std::to_string(machine.cpus) +
                       " CPU(s): each wants one of its own, and the rest of the machine another",
                   "workers: " + std::to_string(std::max(1u, machine.cpus - 1)) + "  in dam.yaml"});
  }
  const bool pci = std::any_of(facts.devices.begin(), facts.devices.end(),
                               [](const auto& device) { return device.kind == DeviceKind::pci; });
  if (!pci) return;
  if (machine.iommu) {
    out.push_back({Level::fine, "an IOMMU is there for the PCI devices", ""});
  } else {
    out.push_back({Level::warning, "there is no IOMMU: DPDK reaches PCI devices only unprotected",
                   "intel_iommu=on or amd_iommu=on on the kernel's command line; or, with a kernel "
                   "that has CONFIG_VFIO_NOIOMMU: dpdk: {unsafe_noiommu: true}  in dam.yaml"});
  }
}

}  // namespace

std::vector<Finding> findings_of_machine(const Facts& facts) {
  Findings out;
  kernel(facts, out);
  if (facts.on_xdp()) {
    xdp_needs(facts, out);
    ports(facts, out);
  } else {
    dpdk_needs(facts, out);
  }
  if (!facts.machine.root) {
    out.push_back({Level::note, "not root: the names of other people's XDP programs stay hidden",
                   "sudo damctl doctor"});
  }
  return out;
}

}  // namespace dam::ctl

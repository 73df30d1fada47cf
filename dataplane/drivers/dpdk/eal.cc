// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <cstdlib>
#include <stdexcept>

namespace dam {
MemoryChoice choose_memory(Hugepages wanted, uint32_t needed_mib, uint64_t free_bytes) {
  const uint64_t free_mib = free_bytes >> 20;
  const std::string have = std::to_string(free_mib) + " MiB of huge pages are free, " +
                           std::to_string(needed_mib) + " MiB are needed";
  MemoryChoice choice;
  choice.mib = needed_mib;
  if (wanted == Hugepages::on && free_mib < needed_mib) {
    choice.refused =
        "hugepages: on, but only " + have + ". Set vm.nr_hugepages, or hugepages: auto.";
    return choice;
  }
  choice.hugepages = wanted != Hugepages::off && free_mib >= needed_mib;
  if (choice.hugepages) {
    choice.says = "Packet buffers in huge pages: " + have + ".";
  } else if (wanted == Hugepages::off) {
    choice.says =
        "Packet buffers in ordinary pages, as the policy asks: " + std::to_string(needed_mib) +
        " MiB.";
  } else {
    choice.says = "Packet buffers in ordinary pages: " + have + ".";
  }
  return choice;
}

std::vector<std::string> eal_arguments(const MemoryChoice& memory, const CpuPlan& cpus,
                                       const std::vector<std::string>& pci, bool iommu) {
  std::vector<std::string> arguments = {"dam-dataplane",
                                        "--lcores",
                                        lcores_argument(cpus),
                                        "--main-lcore",
                                        "0",
                                        "--no-telemetry",
                                        "--log-level=*:warning",
                                        iommu ? "--iova-mode=va" : "--iova-mode=pa",
                                        "--file-prefix=dam"};
  // Nothing on disk is shared with other processes, so several dams can live on one machine.
  // --in-memory says that for huge pages; with ordinary pages DPDK 22.11 refuses it.
  if (memory.hugepages) {
    arguments.insert(arguments.end(), {"--in-memory"});
  } else {
    arguments.insert(arguments.end(),
                     {"--no-shconf", "--no-huge", "-m", std::to_string(memory.mib)});
  }
  if (pci.empty()) arguments.emplace_back("--no-pci");
  for (const std::string& address : pci) arguments.insert(arguments.end(), {"-a", address});
  return arguments;
}

void start_eal(const std::vector<std::string>& arguments) {
  // libxdp would pin a dispatcher below /sys/fs/bpf to share the interface with other programs; the
  // dam shares with nobody, must leave nothing behind, and the hop costs time on every packet.
  setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv;
  argv.reserve(copies.size());
  for (std::string& argument : copies) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    throw std::runtime_error(std::string("DPDK did not start: ") + rte_strerror(rte_errno) + ".");
  }
}

}  // namespace dam

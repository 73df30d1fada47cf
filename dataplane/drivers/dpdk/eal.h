// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment layer: memory, CPUs, logging. Started once, before any port is opened, while
// the process still has its privileges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/drivers/dpdk/cpu_plan.h"
#include "dataplane/engine/start_config.h"

namespace dam {

struct MemoryChoice {
  bool hugepages = false;
  uint32_t mib = 0;
  std::string says;  // the choice, in words; "" with `refused` set
  std::string refused;
};

// "auto" takes huge pages when enough of them are free; "on" insists.
MemoryChoice choose_memory(Hugepages wanted, uint32_t needed_mib, uint64_t free_hugepage_bytes);

// The arguments of rte_eal_init(), program name first. pci: addresses of the devices to open;
// without an IOMMU they work with physical addresses.
std::vector<std::string> eal_arguments(const MemoryChoice& memory, const CpuPlan& cpus,
                                       const std::vector<std::string>& pci, bool iommu = true);

// Throws std::runtime_error with a sentence.
void start_eal(const std::vector<std::string>& arguments);

}  // namespace dam

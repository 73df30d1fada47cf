// SPDX-License-Identifier: BSD-3-Clause
// Which CPUs the control thread and the workers run on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dam {

struct CpuPlan {
  std::vector<uint32_t> control;               // the control thread floats over these
  std::vector<std::vector<uint32_t>> workers;  // usually one CPU each
};

// Workers take CPUs of their own from the highest downwards, the control thread floats over the
// rest. With as many workers as CPUs it floats over all of them: it sleeps most of the time. With
// more workers than CPUs everybody floats.
CpuPlan plan_cpus(const std::vector<uint32_t>& allowed, uint32_t workers);

// EAL's --lcores argument: lcore 0 is the control thread, lcore n + 1 is worker n.
std::string lcores_argument(const CpuPlan& plan);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/cpu_plan.h"

namespace dam {
namespace {

std::string cpu_list(const std::vector<uint32_t>& cpus) {
  std::string text = "(";
  for (const uint32_t cpu : cpus) {
    if (text.size() > 1) text += ',';
    text += std::to_string(cpu);
  }
  return text + ')';
}

}  // namespace

CpuPlan plan_cpus(const std::vector<uint32_t>& allowed, uint32_t workers) {
  CpuPlan plan;
  if (workers > allowed.size()) {
    plan.control = allowed;
    plan.workers.assign(workers, allowed);
    return plan;
  }
  for (uint32_t i = 0; i < workers; ++i) plan.workers.push_back({allowed[allowed.size() - 1 - i]});
  plan.control.assign(allowed.begin(), allowed.end() - workers);
  if (plan.control.empty()) plan.control = allowed;
  return plan;
}

std::string lcores_argument(const CpuPlan& plan) {
  std::string text = "0@" + cpu_list(plan.control);
  for (size_t i = 0; i < plan.workers.size(); ++i) {
    text += "," + std::to_string(i + 1) + "@" + cpu_list(plan.workers[i]);
  }
  return text;
}

}  // namespace dam

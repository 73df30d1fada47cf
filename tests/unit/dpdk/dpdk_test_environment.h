// SPDX-License-Identifier: BSD-3-Clause
// DPDK for unit tests: ordinary pages, no devices, no privileges.
#pragma once

#include <gtest/gtest.h>

#include "dataplane/drivers/dpdk/eal.h"
#include "dataplane/drivers/netdev/host_use.h"

namespace dam {

// Starts EAL once in the test program, with one worker lcore.
inline void need_dpdk() {
  static const bool started = [] {
    start_eal(eal_arguments({false, 128, "", ""}, plan_cpus(allowed_cpus(), 1), {}));
    return true;
  }();
  ASSERT_TRUE(started);
}

}  // namespace dam

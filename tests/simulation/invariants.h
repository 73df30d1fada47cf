// SPDX-License-Identifier: BSD-3-Clause
// What must hold after each run, whatever happened in it.
#pragma once

#include "tests/simulation/scenario.h"

namespace dam::simulation {

void check_invariants(Environment& environment, Scenario& scenario);

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// What a client of plain HTTP/1.1 sends: requests one behind the other, for two zones, with bodies
// of a known length and in chunks.
#pragma once

#include "tests/simulation/connection_plan.h"
#include "tests/simulation/random.h"

namespace dam::simulation {

// The last body is what the client's plan sends behind the opening. Fills in `requests`.
Bytes make_http_opening(Connection& connection, Random& random);

}  // namespace dam::simulation

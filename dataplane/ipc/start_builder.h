// SPDX-License-Identifier: BSD-3-Clause
// Start message -> what a driver and the engine are opened with. Checked like everything that comes
// over the socket.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/start_config.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

struct StartResult {
  std::optional<StartConfig> config;  // empty when there are errors
  std::vector<std::string> errors;    // sentences
};

StartResult read_start(const v1::Start& start);

}  // namespace dam

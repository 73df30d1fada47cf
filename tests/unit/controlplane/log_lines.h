// SPDX-License-Identifier: BSD-3-Clause
// Lines of logs for the tests of their sinks.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "controlplane/logs/log_sink.h"

namespace dam::control {

// As config/log.schema.json says.
bool is_log_line(const nlohmann::json& line);

LogRecord sample_refusal(uint64_t count, const std::string& zone = "web");
LogLine line_to_offer(const LogRecord& record);

// Within a generous time.
bool comes_true(const std::function<bool()>& condition);

}  // namespace dam::control

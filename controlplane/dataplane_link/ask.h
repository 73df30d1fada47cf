// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

// One question to the dataplane; nothing, or a refusal, after the text says why.
using Ask = std::function<std::optional<v1::Reply>(const v1::Request&, std::string&)>;

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What the option tables say, for editors (JSON schema) and for people (reference text).
#pragma once

#include <string>

#include "controlplane/policy/reader.h"

namespace dam::control {

Json policy_schema();            // JSON Schema, draft 2020-12: config/dam.schema.json
std::string policy_reference();  // Markdown: a section of config/README.md

}  // namespace dam::control

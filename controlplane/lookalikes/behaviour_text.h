// SPDX-License-Identifier: BSD-3-Clause
// Vectors as pgvector writes and reads them.
#pragma once

#include <string>

#include "controlplane/lookalikes/features.h"

namespace dam::control {

std::string vector_text(const Behaviour& behaviour);  // "[0.5000,1.0000,…]"
// Throws std::runtime_error where it is none of so many features.
Behaviour read_vector(const char* text);

}  // namespace dam::control

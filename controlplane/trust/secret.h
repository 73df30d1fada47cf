// SPDX-License-Identifier: BSD-3-Clause
// What tokens and sessions are made of: random text that is shown once, of which the SHA-256 is
// kept.
#pragma once

#include <string>

namespace dam::control {

// 256 random bits, 64 digits in lower case. Throws std::runtime_error where there are none.
std::string random_hex();

// 64 digits in lower case. Throws std::runtime_error.
std::string sha256_hex(const std::string& bytes);

// The time taken tells nothing of where they differ.
bool same_digest(const std::string& a, const std::string& b);

}  // namespace dam::control

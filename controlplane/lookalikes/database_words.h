// SPDX-License-Identifier: BSD-3-Clause
// How to reach a database, as libpq takes it, and what it says when that fails: without passwords.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dam::control {

// The passwords among libpq's keywords. Throws std::runtime_error, which quotes nothing of them,
// where they are none: what follows a password that needs quotes is part of it.
std::vector<std::string> secrets_in(const std::string& keywords);

// The first line, without these.
std::string without_secrets(std::string_view words, const std::vector<std::string>& secrets);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A file with a password in it, which others may not read.
#pragma once

#include <filesystem>
#include <string>

namespace dam::control {

// Throws std::runtime_error, in words: it is not there, others may read it or its group write it,
// it is no file, or longer than 16 KiB.
std::string read_secret_file(const std::filesystem::path& file);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A JA4 fingerprint as numbers.
#pragma once

#include <array>
#include <optional>
#include <string>

namespace dam::control {

// TLS version, ciphers, extensions, ALPN, three hashes. Nothing where it is no fingerprint.
std::optional<std::array<double, 7>> hello_features(const std::string& ja4);

}  // namespace dam::control

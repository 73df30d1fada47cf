// SPDX-License-Identifier: BSD-3-Clause
// What a server tells of one request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/policy/address.h"

namespace dam::control {

struct Signal {
  Address client;            // of a host, as the server knows it
  uint16_t status = 0;       // of HTTP; 0: not told
  std::string path{};        // as normal_path() makes it; empty: not told
  std::string class_name{};  // that the server has given the request; empty: none
};

inline constexpr size_t kMostSignalPath = 1024;  // bytes that are looked at
inline constexpr size_t kMostSignalClass = 64;

// As servers write it: 198.51.100.7, 2001:db8::7, ::ffff:198.51.100.7. Nothing: of no host.
std::optional<Address> signal_client(std::string_view text);

// The path that a server looks up (RFC 3986 6.2.2): without what follows "?" or "#", decoded once,
// "//" as "/", "." and ".." resolved. Only the first kMostSignalPath bytes count.
std::string normal_path(std::string_view path);

}  // namespace dam::control

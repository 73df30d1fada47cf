// SPDX-License-Identifier: BSD-3-Clause
// Makes ClientHello records of a given size, laid out as browsers do (RFC 8446 4.1.2).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dam::bench {

// One TLS record of exactly `record_bytes` bytes: server_name, ALPN h2 and http/1.1, supported
// groups and versions, a key share, and RFC 7685 padding up to the size. 1,800 bytes is what a
// browser sends with X25519MLKEM768, whose key share alone has 1,216 bytes.
std::vector<uint8_t> client_hello(std::string_view server_name, uint32_t record_bytes);

}  // namespace dam::bench

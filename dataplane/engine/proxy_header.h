// SPDX-License-Identifier: BSD-3-Clause
// Writes PROXY protocol headers, versions 1 and 2 (HAProxy's proxy-protocol.txt).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/core/types.h"

namespace dam {

// One segment that every path lets through: the specification's bound (IPv4's 576 less 40).
inline constexpr uint32_t kProxyHeaderBytes = 536;

struct ProxyHeaderInput {
  dam_address client{};
  dam_address local{};  // the dam's listener address that the client connected to
  dam_be16 client_port{};
  dam_be16 local_port{};
  std::string_view alpn;       // one protocol name, or empty: no TLV
  std::string_view authority;  // the server name, or empty: no TLV
  std::array<uint8_t, 16> unique_id{};
  uint8_t tlvs = 0;  // ProxyTlv bits of policy.h; version 1 has none
};

// Each gives the number of bytes written. One IPv4 and one IPv6 address become TCP6 with the IPv4
// one mapped, since a header has one family.
uint32_t write_proxy_v1(std::span<uint8_t, kProxyHeaderBytes> out, const ProxyHeaderInput& input);

// TLVs are written in the order CRC32C, UNIQUE_ID, ALPN, AUTHORITY; one that has no room (or no
// value) is left out whole. Only an AUTHORITY beside an ALPN of together more than 452 (IPv4: 476)
// bytes is.
uint32_t write_proxy_v2(std::span<uint8_t, kProxyHeaderBytes> out, const ProxyHeaderInput& input);

// The LOCAL command: a connection of the dam's own, such as a health check.
uint32_t write_proxy_v2_local(std::span<uint8_t, kProxyHeaderBytes> out);

// CRC-32C (Castagnoli; RFC 9260 appendix A).
uint32_t crc32c(std::span<const uint8_t> bytes);

}  // namespace dam

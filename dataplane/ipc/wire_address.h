// SPDX-License-Identifier: BSD-3-Clause
// Addresses as the messages carry them: 4 or 16 bytes in network order.
#pragma once

#include <netinet/in.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/router.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

std::optional<dam_address> read_address(std::string_view wire);
// Prefix length in the 128-bit mapped form; nothing if it is longer than its address.
std::optional<uint8_t> read_prefix_bits(std::string_view wire_address, uint32_t bits);
// Appends the prefix, host bits cleared. An IPv6 prefix that spans ::ffff:0:0/96 (such as ::/0) is
// split so that it covers no IPv4 address. Returns what is wrong; empty when nothing is.
std::string append_prefix(const v1::Subnet& subnet, std::vector<SourcePrefix>& prefixes);
void append_prefix(SourcePrefix prefix, std::vector<SourcePrefix>& prefixes);
bool is_around_ipv4(const SourcePrefix& prefix);  // it would be split
// Host bits cleared, and nothing split. Returns what is wrong; empty when nothing is.
std::string read_prefix(const v1::Subnet& subnet, SourcePrefix& prefix);
void write_prefix(const SourcePrefix& prefix, v1::Subnet& subnet);
std::string to_text(const dam_address& address);

}  // namespace dam

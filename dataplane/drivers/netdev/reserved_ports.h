// SPDX-License-Identifier: BSD-3-Clause
// Ports that the host's kernel gives to nobody who does not ask for one by number: the dam's own
// source ports, on devices that the host uses too. For one network namespace.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace dam {

using PortSet = std::bitset<65536>;

struct Ports {
  uint16_t first = 0;
  uint16_t last = 0;
};

// net.ipv4.ip_local_port_range, net.ipv4.ip_local_reserved_ports; IPv6 goes by them too.
std::optional<Ports> ephemeral_ports();
std::optional<std::string> reserved_ports();  // "8080,9000-9010"; empty: none
bool set_reserved_ports(const std::string& reserved);

PortSet ports_in(const std::string& reserved);
std::string text_of(const PortSet& ports);
std::string with_ports(const std::string& reserved, Ports more);
std::string without_ports(const std::string& reserved, const PortSet& fewer);
PortSet ports_of(Ports range);
// As a record keeps them: bit by port, 1,024 words.
PortSet ports_in(std::span<const uint64_t> words);
void keep_ports(std::span<uint64_t> words, const PortSet& ports);
// How many ephemeral ports are not reserved.
uint32_t count_free(Ports ephemeral, const std::string& reserved);
bool overlap(Ports a, Ports b);

// A host needs some for its own DNS, updates and the like.
inline constexpr uint32_t kLeastEphemeral = 512;

}  // namespace dam

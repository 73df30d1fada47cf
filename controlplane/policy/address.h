// SPDX-License-Identifier: BSD-3-Clause
// IP addresses and networks as the policy writes them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dam::control {

struct Address {
  std::array<uint8_t, 16> bytes{};  // IPv4: the first four; network order
  bool v6 = false;

  unsigned bits() const { return v6 ? 128 : 32; }
  std::string_view family() const { return v6 ? "IPv6" : "IPv4"; }
  std::string wire() const;  // 4 or 16 bytes, network order
  std::string text() const;
  bool operator==(const Address&) const = default;
};

struct Network {
  Address address;  // as written: bits behind the prefix may be set
  uint8_t prefix_bits = 0;

  Network masked() const;
  bool contains(const Address& other) const;
  std::string text() const;
  bool operator==(const Network&) const = default;
};

// How many leading bits of an address make one source.
struct SourcePrefix {
  uint64_t ipv4_bits = 32;
  uint64_t ipv6_bits = 64;
};
Network source_of(const Address& client, const SourcePrefix& prefix);

// Where a socket listens.
struct SocketAddress {
  Address address;
  uint16_t port = 0;

  std::string text() const;
  bool operator==(const SocketAddress&) const = default;
};

// IPv4-mapped IPv6 addresses are refused: one address has one way to be written.
std::optional<Address> parse_address(std::string_view text);
// "198.51.100.2:5514" or "[2001:db8::2]:5514".
std::optional<SocketAddress> parse_socket_address(std::string_view text);
// "198.51.100.0/24", or an address alone, which is a network of one.
std::optional<Network> parse_network(std::string_view text);

// Unspecified, loopback, multicast and broadcast addresses belong to no host on a wire.
bool is_host_address(const Address& address);
bool is_link_local(const Address& address);
// Loopback and the ranges that the internet does not route.
bool is_private(const Address& address);

}  // namespace dam::control

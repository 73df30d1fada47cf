// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace dam::control {

std::string Address::wire() const {
  return {reinterpret_cast<const char*>(bytes.data()), bits() / 8};
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

Network Network::masked() const {
  Network result = *this;
  auto byte = result.address.bytes.begin() + prefix_bits / 8;
  const auto end = result.address.bytes.begin() + address.bits() / 8;
  if (byte < end) *byte++ &= static_cast<uint8_t>(~(0xffu >> (prefix_bits % 8)));
  if (byte < end) std::fill(byte, end, uint8_t{0});
  return result;
}

bool Network::contains(const Address& other) const {
  return other.v6 == address.v6 && Network{other, prefix_bits}.masked() == masked();
}

Network source_of(const Address& client, const SourcePrefix& prefix) {
  const uint64_t bits = client.v6 ? prefix.ipv6_bits : prefix.ipv4_bits;
  return Network{client, static_cast<uint8_t>(bits)}.masked();
}

std::string Network::text() const { return address.text() + "/" + std::to_string(prefix_bits); }

namespace {

bool is_mapped(const Address& address) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address.v6 && std::memcmp(address.bytes.data(), kMapped, sizeof kMapped) == 0;
}

bool inside(const Address& address, std::string_view network) {
  return parse_network(network)->contains(address);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1] = "";
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  if (std::strlen(buffer) != text.size()) return std::nullopt;
  Address result;
  result.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(result.v6 ? AF_INET6 : AF_INET, buffer, result.bytes.data()) != 1) {
    return std::nullopt;
  }
  if (is_mapped(result)) return std::nullopt;
  return result;
}

std::optional<Network> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned bits = address->bits();
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (bits > address->bits()) return std::nullopt;
  }
  return Network{*address, static_cast<uint8_t>(bits)};
}

std::string SocketAddress::text() const {
  const std::string host = address.text();
  return (address.v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  if (!address || address->v6 != in_brackets) return std::nullopt;
  SocketAddress result{*address, 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return result;
}

bool is_host_address(const Address& address) {
  if (address.v6) return !inside(address, "::/127") && !inside(address, "ff00::/8");
  return !inside(address, "0.0.0.0/8") && !inside(address, "127.0.0.0/8") &&
         !inside(address, "224.0.0.0/4") && address.text() != "255.255.255.255";
}

bool is_link_local(const Address& address) {
  return inside(address, address.v6 ? "fe80::/10" : "169.254.0.0/16");
}

bool is_private(const Address& address) {
  static constexpr std::string_view kPrivate[] = {
      "127.0.0.0/8",   "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
      "100.64.0.0/10", "198.18.0.0/15", "::1/128",       "fc00::/7",       "fe80::/10"};
  return std::any_of(std::begin(kPrivate), std::end(kPrivate),
                     [&](std::string_view network) { return inside(address, network); });
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/wire_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace dam {
namespace {

constexpr uint8_t kMappedBits = 96;  // ::ffff:0:0/96, RFC 4291 2.5.5.2

bool bit_of(const dam_address& address, uint32_t bit) {
  return (dam_ntoh32({address.word[bit / 32]}) >> (31 - bit % 32) & 1) != 0;
}

void flip_bit(dam_address& address, uint32_t bit) {
  address.word[bit / 32] ^= dam_hton32(1u << (31 - bit % 32)).raw;
}

void clear_from(dam_address& address, uint32_t bit) {
  for (; bit < 128; ++bit) {
    if (bit_of(address, bit)) flip_bit(address, bit);
  }
}

bool covers(const dam_address& prefix, uint32_t bits, const dam_address& address) {
  for (uint32_t bit = 0; bit < bits; ++bit) {
    if (bit_of(prefix, bit) != bit_of(address, bit)) return false;
  }
  return true;
}

// All of `prefix` but the mapped IPv4 range, which it covers.
void append_without_mapped(uint32_t bits, std::vector<SourcePrefix>& prefixes) {
  for (uint32_t bit = bits; bit < kMappedBits; ++bit) {
    dam_address sibling = dam_address_v4(0);
    flip_bit(sibling, bit);
    clear_from(sibling, bit + 1);
    prefixes.push_back({sibling, static_cast<uint8_t>(bit + 1)});
  }
}

}  // namespace

std::optional<dam_address> read_address(std::string_view wire) {
  if (wire.size() == 4) return dam_address_v4(dam_load32(wire.data()));
  if (wire.size() != sizeof(dam_address)) return std::nullopt;
  dam_address address;
  std::memcpy(&address, wire.data(), sizeof address);
  return address;
}

std::optional<uint8_t> read_prefix_bits(std::string_view wire_address, uint32_t bits) {
  if (bits > wire_address.size() * 8) return std::nullopt;
  return static_cast<uint8_t>(wire_address.size() == 4 ? bits + kMappedBits : bits);
}

std::string read_prefix(const v1::Subnet& subnet, SourcePrefix& prefix) {
  const auto address = read_address(subnet.address());
  if (!address) {
    return "an address of " + std::to_string(subnet.address().size()) +
           " bytes: IPv4 has 4, IPv6 has 16";
  }
  const auto bits = read_prefix_bits(subnet.address(), subnet.prefix_bits());
  if (!bits) {
    return to_text(*address) + "/" + std::to_string(subnet.prefix_bits()) +
           ": the prefix is longer than the address";
  }
  prefix = {*address, *bits};
  clear_from(prefix.address, *bits);
  return {};
}

bool is_around_ipv4(const SourcePrefix& prefix) {
  return prefix.prefix_bits < kMappedBits &&
         covers(prefix.address, prefix.prefix_bits, dam_address_v4(0));
}

void append_prefix(SourcePrefix prefix, std::vector<SourcePrefix>& prefixes) {
  if (is_around_ipv4(prefix)) {
    append_without_mapped(prefix.prefix_bits, prefixes);
  } else {
    prefixes.push_back(prefix);
  }
}

std::string append_prefix(const v1::Subnet& subnet, std::vector<SourcePrefix>& prefixes) {
  SourcePrefix prefix;
  std::string wrong = read_prefix(subnet, prefix);
  if (wrong.empty()) append_prefix(prefix, prefixes);
  return wrong;
}

void write_prefix(const SourcePrefix& prefix, v1::Subnet& subnet) {
  const bool four = dam_address_is_v4(&prefix.address) && prefix.prefix_bits >= kMappedBits;
  const auto* bytes = reinterpret_cast<const char*>(&prefix.address);
  subnet.set_address(four ? std::string(bytes + 12, 4) : std::string(bytes, 16));
  subnet.set_prefix_bits(four ? prefix.prefix_bits - kMappedBits : prefix.prefix_bits);
}

std::string to_text(const dam_address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (dam_address_is_v4(&address)) {
    inet_ntop(AF_INET, &address.word[3], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &address, text, sizeof text);
  }
  return text;
}

}  // namespace dam

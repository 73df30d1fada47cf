// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/subnet.h"

#include <cstring>

namespace dam::control {

void write_subnet(const Network& network, v1::Subnet& to) {
  to.set_address(network.address.wire());
  to.set_prefix_bits(network.prefix_bits);
}

std::optional<Network> read_subnet(const v1::Subnet& from) {
  const std::string& wire = from.address();
  if ((wire.size() != 4 && wire.size() != 16) || from.prefix_bits() > wire.size() * 8) {
    return std::nullopt;
  }
  Network network;
  network.address.v6 = wire.size() == 16;
  std::memcpy(network.address.bytes.data(), wire.data(), wire.size());
  network.prefix_bits = static_cast<uint8_t>(from.prefix_bits());
  return network.masked();
}

}  // namespace dam::control

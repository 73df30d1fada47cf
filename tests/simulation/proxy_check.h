// SPDX-License-Identifier: BSD-3-Clause
// Reads PROXY protocol headers as a server does (HAProxy's proxy-protocol.txt), with code of its
// own.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "tests/simulation/ip_packet.h"

namespace dam::simulation {

struct ProxyHeader {
  enum class Is : uint8_t { incomplete, whole, bad };
  Is is = Is::incomplete;
  uint32_t bytes = 0;
  uint8_t version = 0;
  dam_address src{};
  dam_address dst{};
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  std::map<uint8_t, std::string> tlvs;
};

ProxyHeader read_proxy_header(std::span<const uint8_t> bytes);

}  // namespace dam::simulation

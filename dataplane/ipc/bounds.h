// SPDX-License-Identifier: BSD-3-Clause
// What both planes hold a policy to: the control plane, so that it can name line and column; the
// dataplane, because it trusts nobody.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dam {

inline constexpr uint32_t kMaxRoutes = 4096;
inline constexpr uint32_t kMaxServerNames = 1024;   // of one route
inline constexpr uint32_t kMaxJa4 = 256;            // of one route
inline constexpr uint32_t kMaxJa4Bans = 64;         // each hello is held against all of them
inline constexpr uint32_t kMaxPrefixes = 2u << 20;  // of the allow and of the deny list
inline constexpr uint32_t kMaxBans = 1u << 20;
inline constexpr uint32_t kMaxZoneBans = 1u << 16;       // that are listed
inline constexpr uint32_t kMaxListenerAddresses = 1024;  // address and port pairs of all listeners
inline constexpr double kLeastPerSecond = 0.001;
inline constexpr double kMostPerSecond = 1e12;
inline constexpr uint64_t kLeastByteBurst = 1600;  // a frame with its VLAN tag: less passes nothing
inline constexpr uint32_t kLeastSourcePorts = 64;
inline constexpr size_t kMostPathBytes = 1024;
inline constexpr uint32_t kLeastHelloBytes = 512;
inline constexpr uint32_t kMostHelloBytes = 65536;
inline constexpr uint32_t kMostCapturePackets = 100'000;
inline constexpr uint32_t kMostCaptureSeconds = 300;
inline constexpr uint32_t kLeastCaptureSnapBytes = 64;  // Ethernet, IPv6 and some of TCP
inline constexpr uint32_t kMostCaptureSnapBytes = 2048;

inline bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace dam

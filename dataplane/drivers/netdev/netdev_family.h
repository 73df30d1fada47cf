// SPDX-License-Identifier: BSD-3-Clause
// The kernel's generic netlink family "netdev" (since Linux 6.3), of which libbpf 1.1 knows nothing
// yet.
#pragma once

#include <cstdint>
#include <optional>

namespace dam {

// enum netdev_xdp_act of linux/netdev.h
inline constexpr uint64_t kXdpBasic = 1;
inline constexpr uint64_t kXdpRedirect = 2;
inline constexpr uint64_t kXdpRedirectTarget = 4;
inline constexpr uint64_t kXdpZeroCopy = 8;

// What the device's driver can; nothing where the kernel does not say.
std::optional<uint64_t> xdp_features_of(uint32_t ifindex);

}  // namespace dam

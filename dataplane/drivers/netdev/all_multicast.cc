// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/all_multicast.h"

#include <netpacket/packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dam {

// A packet socket without a protocol: it receives nothing.
AllMulticast::AllMulticast(uint32_t ifindex) : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  packet_mreq membership{};
  membership.mr_ifindex = static_cast<int>(ifindex);
  membership.mr_type = PACKET_MR_ALLMULTI;
  if (fd_ >= 0 &&
      setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) == 0) {
    return;
  }
  const int error = errno;
  if (fd_ >= 0) close(fd_);
  throw std::system_error(error, std::generic_category(), "Multicast frames of a device");
}

AllMulticast::~AllMulticast() { close(fd_); }

}  // namespace dam

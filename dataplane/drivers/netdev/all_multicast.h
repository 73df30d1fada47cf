// SPDX-License-Identifier: BSD-3-Clause
// A device takes in all multicast frames as long as this lives: neighbour discovery goes to groups
// (RFC 4861 7.2) that the host joins for its own addresses alone. The kernel ends it with the
// process.
#pragma once

#include <cstdint>

namespace dam {

class AllMulticast {
 public:
  explicit AllMulticast(uint32_t ifindex);  // throws std::system_error
  ~AllMulticast();
  AllMulticast(const AllMulticast&) = delete;
  AllMulticast& operator=(const AllMulticast&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace dam

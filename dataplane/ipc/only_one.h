// SPDX-License-Identifier: BSD-3-Clause
// One dataplane for each control socket: a second one would take the socket and the counters from
// the first, and forward beside it.
#pragma once

#include <string>

namespace dam {

class OnlyOne {
 public:
  // Locks PATH.lock, for as long as this process or a child that it forks lives; makes the folder
  // if need be. Throws std::runtime_error with a sentence when another process has it.
  explicit OnlyOne(const std::string& socket_path);
  ~OnlyOne();
  OnlyOne(const OnlyOne&) = delete;
  OnlyOne& operator=(const OnlyOne&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace dam

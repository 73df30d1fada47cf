// SPDX-License-Identifier: BSD-3-Clause
// One connection to the dataplane's socket: requests and replies, in order
// (dataplane/ipc/framing.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

class Connection {
 public:
  Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // "" or what went wrong.
  std::string open(const std::string& path);
  void close();
  bool is_open() const { return fd_ >= 0; }

  // Closes the connection and sets `wrong` when the other side is gone, silent or talks nonsense.
  std::optional<v1::Reply> call(const v1::Request& request, std::chrono::milliseconds patience,
                                std::string& wrong);

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events, Clock::time_point until);
  bool send_all(const char* data, size_t bytes, Clock::time_point until);
  bool receive_all(char* data, size_t bytes, Clock::time_point until);
  bool exchange(const v1::Request& request, v1::Reply& reply, Clock::time_point until);

  int fd_ = -1;
};

}  // namespace dam::control

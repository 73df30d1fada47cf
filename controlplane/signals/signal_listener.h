// SPDX-License-Identifier: BSD-3-Clause
// The UDP socket for signals, in a thread of its own. It hears only what comes in by the link that
// its address is on: a sender's address is proof of nothing, but other links' packets are not
// taken for a server's. What finds no room in the socket's buffer is counted.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "controlplane/policy/address.h"

namespace dam::control {

class SignalListener {
 public:
  struct Ends {
    std::function<std::optional<SocketAddress>()> where;  // asked twice a second; nothing: nowhere
    std::function<void(const Address& sender, std::string_view datagram)> take;
    std::function<void(uint64_t)> lost;           // so many since the last call
    std::function<void(const std::string&)> say;  // one sentence for each change
  };
  explicit SignalListener(Ends ends);
  ~SignalListener();
  SignalListener(const SignalListener&) = delete;
  SignalListener& operator=(const SignalListener&) = delete;

 private:
  void run();
  void follow();
  void close_socket();
  void receive();

  const Ends ends_;
  std::optional<SocketAddress> where_;
  unsigned link_ = 0;  // that its address was on at the last look; 0: on none
  int fd_ = -1;
  uint32_t lost_ = 0;  // as the kernel counts them
  std::string said_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it uses the above
};

}  // namespace dam::control

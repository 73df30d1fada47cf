// SPDX-License-Identifier: BSD-3-Clause
// A client's connection in the conversation of talk.h: what it has said and what it still awaits.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <vector>

#include "tests/bench/side/talk.h"

namespace dam::bench::talk {

class Call {
 public:
  enum State : uint8_t {
    kConnecting,
    kAwaitsFlight,
    kAwaitsAnswer,
    kIdle,
    kAwaitsEnd,
    kOver,
    kLost
  };

  // Begins to connect; throws std::system_error when no socket can be had. `hello` outlives it.
  Call(const sockaddr_in& from, const sockaddr_in& to, const std::vector<uint8_t>& hello,
       Request first);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void on_event();  // the socket can be read or written
  void ask(Request request);
  void lose() { state_ = kLost; }

  int fd() const { return fd_; }
  State state() const { return state_; }
  uint64_t received() const { return received_; }
  uint64_t answers() const { return answers_; }

  uint64_t due_ns = 0;  // when the user wanted the answer that is awaited
  uint32_t kind = 0;    // the user's

 private:
  void say(const void* bytes, size_t count);
  void await(uint64_t bytes, State state);
  void took(uint64_t bytes);

  int fd_;
  State state_ = kConnecting;
  const std::vector<uint8_t>& hello_;
  Request request_;
  uint64_t awaited_ = 0;
  uint64_t received_ = 0;
  uint64_t answers_ = 0;
};

}  // namespace dam::bench::talk

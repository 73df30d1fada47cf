// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's end of the control socket: framing.h's messages, one request, one reply, in
// order. One control plane at a time; when it goes away, the next one may come.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam {

// Whoever may connect steers the dam.
struct ControlAccess {
  std::optional<gid_t> group;  // its members may, besides root and the user that listens
  std::function<void(const std::string&)> log = [](const std::string&) {};  // of refusals
};

class ControlSocket {
 public:
  using Handler = std::function<v1::Reply(const v1::Request&)>;

  // Listens at `path`: mode 0600, or 0660 with a group. Throws std::system_error with a sentence.
  explicit ControlSocket(std::string path, ControlAccess access = {});
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Waits at most `timeout` for something to do, and does it. The handler runs in this thread.
  void serve(std::chrono::milliseconds timeout, const Handler& handler);
  bool connected() const { return client_ >= 0; }

 private:
  void bind_and_listen();
  void accept_client();
  bool may_steer(int fd, std::string& who) const;
  void read_client(const Handler& handler);
  void answer_requests(const Handler& handler);
  void send_reply(const v1::Reply& reply);
  void refuse(const std::string& why);
  void close_client();

  using Clock = std::chrono::steady_clock;
  std::string path_;
  ControlAccess access_;
  uid_t owner_;  // the user that listens; the process may become another one later
  int listener_ = -1;
  int client_ = -1;
  std::string received_;        // what is there of the next request
  Clock::time_point heard_at_;  // when the last bytes of it came
};

}  // namespace dam

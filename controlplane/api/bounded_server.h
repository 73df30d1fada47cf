// SPDX-License-Identifier: BSD-3-Clause
// cpp-httplib's server with a time limit for a whole request. Its own limits begin anew with every
// byte: some clients that send one now and then would hold all threads for ever.
#pragma once

#include <httplib.h>

#include <string>

namespace dam::control {

// The name of the user at the other end of the request that this thread serves, by the Unix
// socket's credentials; "uid 1000" where it has none, "" over TCP.
std::string calling_user();

class BoundedServer : public httplib::Server {
 public:
  // One request a connection, so many at a time; others wait in line.
  static constexpr int kThreads = 16;
  static constexpr int kPatienceSeconds = 5;  // for all of a request, then for all of its answer

  BoundedServer();

 private:
  bool process_and_close_socket(socket_t socket) override;
};

}  // namespace dam::control

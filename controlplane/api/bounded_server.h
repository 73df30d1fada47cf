// SPDX-License-Identifier: BSD-3-Clause
// cpp-httplib's server with a time limit for a whole request. Its own limits begin anew with every
// byte: some clients that send one now and then would hold all threads for ever.
#pragma once

#include <httplib.h>

#include "controlplane/api/endpoint.h"

namespace dam::control {

// Who is at the other end of the Unix socket of the request that this thread serves, by the
// socket's credentials: a user's name, "uid 1000" where it has none. Who may open it is admin.
Caller socket_caller(const httplib::Request& request);
// Whoever reaches the address of /metrics.
Caller scraper(const httplib::Request& request);

// The answer of the request that this thread serves may take as long as it likes, as long as its
// client takes each piece of it in time.
void let_answer_last();

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

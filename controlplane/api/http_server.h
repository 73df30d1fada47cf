// SPDX-License-Identifier: BSD-3-Clause
// HTTP over a Unix socket (the API), over TLS (the API from afar) or over TCP (/metrics alone).
//
// Why cpp-httplib: one well-kept header-and-library of Debian that speaks HTTP on whatever stream
// it is given; no framework around it. Its limits as set here and in bounded_server.h: bodies of at
// most 8 MiB, 5 s for a whole request of who is not known, so many requests at a time. Long lists
// belong into files that the policy names.
#pragma once

#include <httplib.h>

#include <functional>
#include <string>
#include <thread>

#include "controlplane/api/bounded_server.h"

namespace dam::control {

inline constexpr size_t kMostBodyBytes = 8 << 20;

class HttpServer {
 public:
  using AddHandlers = std::function<void(httplib::Server&)>;

  // With `context`: TLS (bounded_server.h).
  explicit HttpServer(const AddHandlers& add, BoundedServer::Context context = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Both begin to serve in a thread of their own; they return "" or what went wrong.
  // Mode 0660; group `dam` where there is one.
  std::string serve_unix(const std::string& path);
  // "127.0.0.1:9415", "[::1]:9415". Addresses that the internet can reach need `public_too`, which
  // is said by an option of that name.
  std::string serve_tcp(const std::string& address, bool public_too, const std::string& option);

  BoundedServer::Counts counts() const { return server_.counts(); }

 private:
  void run();

  const bool tls_;
  BoundedServer server_;
  std::string unix_path_;
  std::thread thread_;
};

}  // namespace dam::control

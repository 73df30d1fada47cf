// SPDX-License-Identifier: BSD-3-Clause
// HTTP over a Unix socket (the API) or TCP (/metrics alone).
//
// Why cpp-httplib: one well-kept header-and-library of Debian that serves Unix sockets, TCP and,
// for the API to come, TLS with client certificates through OpenSSL; no framework around it. Its
// limits as set here and in bounded_server.h: bodies of at most 8 MiB, 5 s for a whole request, 16
// requests at a time, others wait in line. Long lists belong into files that the policy names.
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

  explicit HttpServer(const AddHandlers& add);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Both begin to serve in a thread of their own; they return "" or what went wrong.
  // Mode 0660; group `dam` where there is one.
  std::string serve_unix(const std::string& path);
  // "127.0.0.1:9415", "[::1]:9415". Addresses that the internet can reach need `public_too`.
  std::string serve_tcp(const std::string& address, bool public_too);

 private:
  void run();

  BoundedServer server_;
  std::string unix_path_;
  std::thread thread_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// cpp-httplib's streams with a time limit for a whole request, then for its whole answer. Its own
// limits begin anew with every byte: some clients that send one now and then would hold all threads
// for ever.
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <memory>

namespace dam::control {

class BoundedStream : public httplib::Stream {
 public:
  // Heads of any number of lines would be taken otherwise.
  static constexpr size_t kMostBytesOfStrangers = 64 << 10;

  BoundedStream(int fd, std::chrono::seconds patience);

  // All of the request and all of its answer may take so long, from now on.
  void be_patient(std::chrono::seconds patience);
  // More than kMostBytesOfStrangers: a body.
  void let_it_send() { most_ = SIZE_MAX; }
  // Each piece of the answer may take so long.
  void let_answer_last() { lasting_ = true; }

  bool is_readable() const override;
  bool is_writable() const override;
  socket_t socket() const override { return fd_; }
  // Nobody asks here: see bounded_server.h.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  ssize_t read(char* to, size_t bytes) override;
  ssize_t write(const char* from, size_t bytes) override;

 protected:
  bool wait(short events) const;

 private:
  // At least one byte; 0 or less: there will be none.
  virtual ssize_t pull(char* to, size_t bytes) = 0;
  virtual ssize_t push(const char* from, size_t bytes) = 0;

  const int fd_;
  std::chrono::seconds patience_;
  std::chrono::steady_clock::time_point until_;
  bool answering_ = false;
  bool lasting_ = false;
  std::array<char, 16384> buffer_;
  size_t most_ = kMostBytesOfStrangers;
  size_t received_ = 0;
  size_t at_ = 0;
  size_t have_ = 0;
};

class SocketStream final : public BoundedStream {
 public:
  using BoundedStream::BoundedStream;

 private:
  ssize_t pull(char* to, size_t bytes) override;
  ssize_t push(const char* from, size_t bytes) override;
};

class TlsStream final : public BoundedStream {
 public:
  TlsStream(int fd, std::chrono::seconds patience, SSL_CTX& context);
  ~TlsStream() override;

  bool handshake();
  X509* peer_certificate() const;  // verified; owned by the stream; null: the client has none

 private:
  ssize_t pull(char* to, size_t bytes) override;
  ssize_t push(const char* from, size_t bytes) override;
  // After a call that gave `result`: whether it can be tried again.
  bool again(int result);

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool broken_ = false;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/bounded_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dam::control {

namespace {

using PatienceClock = std::chrono::steady_clock;

}  // namespace

BoundedStream::BoundedStream(int fd, std::chrono::seconds patience)
    : fd_(fd), patience_(patience), until_(PatienceClock::now() + patience) {}

void BoundedStream::be_patient(std::chrono::seconds patience) {
  patience_ = patience;
  until_ = PatienceClock::now() + patience;
}

bool BoundedStream::is_readable() const { return at_ < have_ || wait(POLLIN); }
bool BoundedStream::is_writable() const { return wait(POLLOUT); }

// The server reads heads byte by byte.
ssize_t BoundedStream::read(char* to, size_t bytes) {
  if (at_ == have_) {
    at_ = have_ = 0;
    const ssize_t got = pull(buffer_.data(), buffer_.size());
    if (got <= 0) return -1;
    have_ = static_cast<size_t>(got);
    received_ += have_;
  }
  if (received_ > most_) {
    at_ = have_;
    return -1;
  }
  const size_t taken = std::min(bytes, have_ - at_);
  std::memcpy(to, buffer_.data() + at_, taken);
  at_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t BoundedStream::write(const char* from, size_t bytes) {
  if (!answering_ || lasting_) until_ = PatienceClock::now() + patience_;
  answering_ = true;
  return push(from, bytes);
}

bool BoundedStream::wait(short events) const {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until_ - PatienceClock::now());
    if (left.count() <= 0) return false;
    pollfd entry{fd_, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

ssize_t SocketStream::pull(char* to, size_t bytes) {
  return wait(POLLIN) ? recv(socket(), to, bytes, MSG_DONTWAIT) : -1;
}

ssize_t SocketStream::push(const char* from, size_t bytes) {
  return wait(POLLOUT) ? send(socket(), from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
}

TlsStream::TlsStream(int fd, std::chrono::seconds patience, SSL_CTX& context)
    : BoundedStream(fd, patience), ssl_(SSL_new(&context)) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (ssl_) SSL_set_fd(ssl_.get(), fd);
}

// Tells the client that the answer was whole; does not wait for what it says to that.
TlsStream::~TlsStream() {
  if (ssl_ && !broken_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

bool TlsStream::handshake() {
  if (!ssl_) return false;
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_.get());
    if (result == 1) return true;
    if (!again(result)) return false;
  }
}

X509* TlsStream::peer_certificate() const {
  const bool verified = SSL_get_verify_result(ssl_.get()) == X509_V_OK;
  return verified ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
}

bool TlsStream::again(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return wait(POLLIN);
  if (error == SSL_ERROR_WANT_WRITE) return wait(POLLOUT);
  broken_ = true;
  return false;
}

ssize_t TlsStream::pull(char* to, size_t bytes) {
  while (true) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), to, static_cast<int>(bytes));
    if (got > 0) return got;
    if (!again(got)) return -1;
  }
}

ssize_t TlsStream::push(const char* from, size_t bytes) {
  constexpr size_t kMostAtOnce = 1 << 20;
  while (true) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), from, static_cast<int>(std::min(bytes, kMostAtOnce)));
    if (sent > 0) return sent;
    if (!again(sent)) return -1;
  }
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/server_tls.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <ctime>
#include <stdexcept>

#include "controlplane/trust/certificate.h"

namespace dam::control {

namespace {

constexpr std::chrono::seconds kLookEvery(1);
constexpr int64_t kDayOf_s = 86400;

void check(bool done, const std::string& what) {
  if (done) return;
  ERR_clear_error();
  throw std::runtime_error(what);
}

std::shared_ptr<SSL_CTX> context_of(const KeyPair& server, X509& authority) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* c = context.get();
  check(c != nullptr && SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1, "no TLS 1.3 here");
  check(SSL_CTX_use_certificate(c, server.certificate.get()) == 1 &&
            SSL_CTX_use_PrivateKey(c, server.key.get()) == 1,
        "OpenSSL does not take the server's certificate");
  check(X509_STORE_add_cert(SSL_CTX_get_cert_store(c), &authority) == 1 &&
            SSL_CTX_add_client_CA(c, &authority) == 1,
        "OpenSSL does not take the authority's certificate");
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

std::string nearing(const std::string& what, int64_t expires_at, int64_t now_s,
                    const std::string& remedy) {
  const int64_t left = expires_at - now_s;
  if (expires_at == 0 || left > ServerTls::kWarnBefore_s) return "";
  if (left <= 0) return what + " has expired: " + remedy;
  const int64_t days = left / kDayOf_s;
  return what + " expires in " +
         (days > 0 ? std::to_string(days) + (days == 1 ? " day" : " days") : "less than a day") +
         ": " + remedy;
}

}  // namespace

std::string ServerTls::State::warning(int64_t now_s) const {
  std::string text =
      nearing("the server's certificate", server_expires_at, now_s, "damctl enroll --renew");
  const std::string other =
      nearing("the authority's certificate", authority_expires_at, now_s,
              "move the folder of keys away, and enroll everybody anew with damctl enroll");
  if (!text.empty() && !other.empty()) text += "; ";
  return text + other;
}

ServerTls::ServerTls(std::filesystem::path folder, Log log)
    : folder_(std::move(folder)), log_(std::move(log)), clock_([this] { look(); }) {
  reload();
  clock_.set(AlarmClock::Clock::now() + kLookEvery);
}

std::shared_ptr<SSL_CTX> ServerTls::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

ServerTls::State ServerTls::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

ServerTls::Stamps ServerTls::stamps() const {
  Stamps result;
  size_t at = 0;
  for (const char* name : {kAuthorityFile, kServerFile, kServerKeyFile}) {
    struct stat info {};
    Stamp& stamp = result[at++];
    if (stat((folder_ / name).c_str(), &info) != 0) continue;
    stamp = {static_cast<int64_t>(info.st_ino), info.st_size, info.st_mtim.tv_sec,
             info.st_mtim.tv_nsec};
  }
  return result;
}

void ServerTls::look() {
  {
    const std::lock_guard lock(reading_);
    if (stamps() != seen_) read_files();
    warn_daily();
  }
  clock_.set(AlarmClock::Clock::now() + kLookEvery);
}

void ServerTls::reload() {
  const std::lock_guard lock(reading_);
  read_files();
  warn_daily();
}

// What does not fit together (one file of two is new) leaves what was there in use.
void ServerTls::read_files() {
  seen_ = stamps();
  State next = state();
  std::shared_ptr<SSL_CTX> context = this->context();
  const bool had = context != nullptr;
  try {
    const KeyPair server = read_key_pair(folder_ / kServerFile, folder_ / kServerKeyFile);
    const Certificate authority = certificate_from(read_text(folder_ / kAuthorityFile));
    context = context_of(server, *authority);
    next = {"", expiry_of(*server.certificate), expiry_of(*authority)};
  } catch (const std::exception& error) {
    next.trouble = error.what();
  }
  const bool failed = !next.trouble.empty();
  if (failed) {
    log_(true, had ? "the certificate before it stays in use: " + next.trouble
                   : "HTTPS waits for a certificate (damctl enroll makes one): " + next.trouble);
  } else {
    log_(false, "HTTPS uses the certificate in " + (folder_ / kServerFile).string());
  }
  warned_day_ = 0;
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  state_ = std::move(next);
}

void ServerTls::warn_daily() {
  const auto now_s = static_cast<int64_t>(std::time(nullptr));
  if (now_s / kDayOf_s == warned_day_) return;
  warned_day_ = now_s / kDayOf_s;
  const std::string warning = state().warning(now_s);
  if (!warning.empty()) log_(true, warning);
}

}  // namespace dam::control

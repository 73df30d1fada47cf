// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/transport.h"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <iostream>

#include "controlplane/trust/certificate.h"
#include "tools/damctl/profile.h"
#include "tools/damctl/ssh_client.h"

namespace dam::ctl {

namespace {

// A policy with a million networks takes the control plane some seconds.
constexpr int kPatienceSeconds = 150;
constexpr int kConnectSeconds = 10;
constexpr int64_t kWarnBefore_s = 30 * 86400;

std::string why_no_connection(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the path is too long";
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  std::string why = result == 0 ? "it closed the connection" : std::strerror(errno);
  close(fd);
  return why;
}

httplib::Result over_socket(const std::string& path, const Send& send) {
  httplib::ClientImpl client(path);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatienceSeconds);
  client.set_default_headers({{"Host", "dam"}, {"X-Dam-Client", ssh_client()}});
  httplib::Result result = send(client);
  if (!result) {
    std::cerr << "damctl: no control plane answers at " << path << ": " << why_no_connection(path)
              << ".\n"
              << "  Is it running? pgrep -a dam-control\n"
              << "  Another socket: damctl -s PATH …; not in the group dam: use sudo; from afar: "
                 "damctl --profile NAME …\n";
  }
  return result;
}

void say_why(const Profile& profile, httplib::Error error) {
  std::cerr << "damctl: no answer from " << profile.url() << ": ";
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      std::cerr << "nothing listens there, or it cannot be reached.\n"
                << "  On the dam: damctl status says where HTTPS listens; dam-controlplane "
                   "--https-address\n";
      break;
    case httplib::Error::SSLServerVerification:
      std::cerr << "what answers has no certificate of this profile's authority, or not for the "
                   "name "
                << profile.host << ".\n"
                << "  Nothing was sent. On the dam: damctl enroll --renew --san " << profile.host
                << "; or have another profile made\n";
      break;
    case httplib::Error::SSLConnection:
      std::cerr << "it does not speak TLS 1.3, or has no certificate yet.\n"
                << "  On the dam: damctl status\n";
      break;
    default:
      std::cerr << "it closed the connection.\n"
                << "  It may not take this profile's certificate (expired, or of another "
                   "authority), or be full: its log and /metrics say more\n";
  }
}

void warn_of_its_end(X509& certificate) {
  const int64_t left = control::expiry_of(certificate) - static_cast<int64_t>(std::time(nullptr));
  if (left > kWarnBefore_s) return;
  std::cerr << "damctl: this profile's certificate "
            << (left <= 0 ? "has expired" : "expires in " + std::to_string(left / 86400) + " days")
            << ": ask for another (damctl enroll)\n";
}

httplib::Result by_profile(const Profile& profile, const Send& send) {
  control::KeyPair pair;
  if (!profile.certificate.empty()) {
    pair = {control::certificate_from(profile.certificate), control::key_from(profile.key)};
    warn_of_its_end(*pair.certificate);
  }
  httplib::SSLClient client(profile.host, profile.port, pair.certificate.get(), pair.key.get());
  SSL_CTX_set_min_proto_version(client.ssl_context(), TLS1_3_VERSION);
  const control::Certificate authority = control::certificate_from(profile.authority);
  X509_STORE* trusted = X509_STORE_new();  // the client's from here on
  X509_STORE_add_cert(trusted, authority.get());
  client.set_ca_cert_store(trusted);
  client.enable_server_certificate_verification(true);
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kPatienceSeconds);
  if (!profile.token.empty()) client.set_bearer_token_auth(profile.token);
  httplib::Result result = send(client);
  if (!result) say_why(profile, result.error());
  return result;
}

}  // namespace

httplib::Result converse(const Settings& settings, const Send& send) {
  if (settings.profile.empty()) return over_socket(settings.socket, send);
  try {
    return by_profile(read_profile(settings.profile), send);
  } catch (const std::exception& error) {
    std::cerr << "damctl: " << error.what() << "\n";
    return {nullptr, httplib::Error::Connection};
  }
}

}  // namespace dam::ctl

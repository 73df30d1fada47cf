// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/http_server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "controlplane/policy/address.h"

namespace dam::control {

namespace {

constexpr mode_t kSocketMask = 0117;  // leaves 0660

// A socket file that nobody listens on is left over from a crash.
bool is_alive(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return alive;
}

std::string clear_the_way(const std::string& path) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return "";
  if (!S_ISSOCK(info.st_mode)) return path + " is in the way and is no socket";
  if (is_alive(path)) return path + " is served by another process already";
  return unlink(path.c_str()) == 0 ? "" : path + ": " + std::strerror(errno);
}

void give_to_group(const std::string& path) {
  group entry{};
  group* found = nullptr;
  char buffer[4096];
  if (getgrnam_r("dam", &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return;
  // Without the right to do so the socket stays with the group of this process.
  if (lchown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) errno = 0;
}

struct HostPort {
  std::string host;
  int port = 0;
};

std::optional<HostPort> split(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  HostPort result{text.substr(0, colon), 0};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, result.port);
  if (error != std::errc{} || stop != end || result.port < 1 || result.port > 65535) {
    return std::nullopt;
  }
  if (result.host.starts_with('[') && result.host.ends_with(']')) {
    result.host = result.host.substr(1, result.host.size() - 2);
  }
  return result;
}

}  // namespace

HttpServer::HttpServer(const AddHandlers& add, BoundedServer::Context context)
    : tls_(context != nullptr), server_(std::move(context)) {
  server_.set_payload_max_length(kMostBodyBytes);
  add(server_);
}

HttpServer::~HttpServer() {
  if (!thread_.joinable()) return;
  // stop() before the loop has begun would be lost.
  while (!server_.is_running()) std::this_thread::yield();
  server_.stop();
  thread_.join();
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
}

void HttpServer::run() {
  server_.widen_backlog();
  thread_ = std::thread([this] { server_.listen_after_bind(); });
}

std::string HttpServer::serve_unix(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return path + " is too long for a socket";
  std::string blocked = clear_the_way(path);
  if (!blocked.empty()) return blocked;
  server_.set_address_family(AF_UNIX);
  // The mode is right from the first moment on.
  const mode_t before = umask(kSocketMask);
  const bool bound = server_.bind_to_port(path, 1);
  const int why = errno;
  umask(before);
  if (!bound) return path + ": " + std::strerror(why);
  unix_path_ = path;
  give_to_group(path);
  run();
  return "";
}

std::string HttpServer::serve_tcp(const std::string& text, bool public_too,
                                  const std::string& option) {
  const auto where = split(text);
  const auto address = where ? parse_address(where->host) : std::nullopt;
  if (!address) return text + " is not ADDRESS:PORT";
  if (!is_private(*address) && !public_too) {
    return text + " can be reached from the internet: use a private address, or say " + option +
           " too";
  }
  // Two servers on one port would share its connections.
  server_.set_socket_options([](int fd) {
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server_.set_tcp_nodelay(true);  // head and body are written one after the other
  server_.set_bounds(tls_ ? BoundedServer::kTlsBounds : BoundedServer::kMetricsBounds);
  if (!server_.bind_to_port(where->host, where->port)) return text + ": " + std::strerror(errno);
  run();
  return "";
}

}  // namespace dam::control

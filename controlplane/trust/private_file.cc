// SPDX-License-Identifier: BSD-3-Clause
// Files with keys in them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "controlplane/trust/certificate.h"

namespace dam::control {

namespace {

void write_all(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) throw std::runtime_error(std::strerror(errno));
    if (written > 0) at += static_cast<size_t>(written);
  }
  if (fsync(fd) != 0) throw std::runtime_error(std::strerror(errno));
}

// Root makes the keys of a control plane that runs as another user: the folder is that user's.
void give_to_owner_of(const std::filesystem::path& folder, int fd) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0 || info.st_uid == geteuid()) return;
  if (fchown(fd, info.st_uid, info.st_gid) != 0) throw std::runtime_error(std::strerror(errno));
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) throw std::runtime_error(file.string() + " cannot be read: " + std::strerror(errno));
  return text.str();
}

void write_private(const std::filesystem::path& file, const std::string& text) {
  const std::string other = file.string() + ".new";
  ::unlink(other.c_str());
  const int fd = ::open(other.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error(other + ": " + std::strerror(errno));
  try {
    write_all(fd, text);
    give_to_owner_of(std::filesystem::absolute(file).parent_path(), fd);
    if (::rename(other.c_str(), file.c_str()) != 0) throw std::runtime_error(std::strerror(errno));
  } catch (const std::exception& error) {
    ::close(fd);
    ::unlink(other.c_str());
    throw std::runtime_error(file.string() + ": " + error.what());
  }
  ::close(fd);
}

}  // namespace dam::control

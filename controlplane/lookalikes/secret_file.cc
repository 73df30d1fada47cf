// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dam::control {

namespace {

constexpr size_t kMostSecretBytes = 16 << 10;

// The file that was looked at is the one that is read.
std::string read_checked(int fd) {
  struct stat about {};
  if (fstat(fd, &about) != 0) throw std::runtime_error(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) throw std::runtime_error("is no file");
  if (about.st_uid != 0 && about.st_uid != geteuid()) {
    throw std::runtime_error("is another user's: chown root:dam, chmod 0640");
  }
  if ((about.st_mode & (S_IWGRP | S_IRWXO)) != 0) {
    throw std::runtime_error("is open to others: chmod 0640, chown root:dam");
  }
  std::string text(kMostSecretBytes + 1, '\0');
  const ssize_t bytes = read(fd, text.data(), text.size());
  if (bytes < 0) throw std::runtime_error(std::strerror(errno));
  if (static_cast<size_t>(bytes) > kMostSecretBytes) throw std::runtime_error("is too long");
  text.resize(static_cast<size_t>(bytes));
  return text;
}

}  // namespace

std::string read_secret_file(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw std::runtime_error(file.string() + ": " + std::strerror(errno));
  try {
    std::string text = read_checked(fd);
    close(fd);
    return text;
  } catch (const std::runtime_error& error) {
    close(fd);
    throw std::runtime_error(file.string() + " " + error.what());
  }
}

}  // namespace dam::control

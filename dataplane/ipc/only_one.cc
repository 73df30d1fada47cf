// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/only_one.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace dam {
namespace {

// One that was just killed may still be giving its memory back.
constexpr int kTries = 20;
constexpr std::chrono::milliseconds kBetweenTries(100);

bool lock(int fd) {
  for (int i = 0; i < kTries; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    std::this_thread::sleep_for(kBetweenTries);
  }
  return false;
}

}  // namespace

OnlyOne::OnlyOne(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno) + ".");
  if (lock(fd_)) return;
  close(fd_);
  throw std::runtime_error("Another dam-dataplane serves " + socket_path +
                           " already; end it first, or choose another --socket.");
}

OnlyOne::~OnlyOne() { close(fd_); }

}  // namespace dam

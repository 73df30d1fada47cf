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

// Whoever put it there could hold the lock for ever.
bool is_own_file(int fd) {
  struct stat about {};
  return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid();
}

}  // namespace

OnlyOne::OnlyOne(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno) + ".");
  const bool own = is_own_file(fd_);
  if (own && lock(fd_)) return;
  close(fd_);
  if (!own) {
    throw std::runtime_error(path + " is not this user's file: somebody else may write to its " +
                             "folder, and could keep this dam from starting. Remove it, and let "
                             "the folder be root's alone.");
  }
  throw std::runtime_error("Another dam-dataplane serves " + socket_path +
                           " already; end it first, or choose another --socket.");
}

OnlyOne::~OnlyOne() { close(fd_); }

}  // namespace dam

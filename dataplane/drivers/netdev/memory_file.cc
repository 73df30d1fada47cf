// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/memory_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "dataplane/drivers/netdev/file_lock.h"

namespace dam {
namespace {

std::string file_in(const std::string& folder) { return folder + "/tables"; }

// Anybody may make a folder in /dev/shm before us.
bool is_ours(const struct stat& about) {
  return about.st_uid == geteuid() && (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

}  // namespace

std::string MemoryFile::why_not(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), error);
  if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return folder + " cannot be made (" + std::strerror(errno) + ").";
  }
  struct stat about {};
  struct statfs system {};
  if (lstat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode) || !is_ours(about)) {
    return folder + " is not root's alone: rm -r " + folder;
  }
  if (statfs(folder.c_str(), &system) != 0 || system.f_type != TMPFS_MAGIC) {
    rmdir(folder.c_str());
    return folder + " lies in no tmpfs: choose --tables in /dev/shm.";
  }
  return {};
}

MemoryFile::MemoryFile(const std::string& folder) : folder_(folder) {
  const std::string path = file_in(folder_);
  for (int i = 0; i < kLockTries; ++i) {
    const std::string obstacle = why_not(folder_);
    if (!obstacle.empty()) throw std::runtime_error(obstacle);
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
    const bool locked = lock_soon(fd_);
    struct stat about {};
    if (locked && is_still_named(fd_, path) && fstat(fd_, &about) == 0 && is_ours(about)) return;
    close(std::exchange(fd_, -1));
    if (!locked) break;
  }
  throw std::runtime_error("Another dam-dataplane works on the tables in " + folder_ +
                           "; end it first, or choose another --tables.");
}

MemoryFile::~MemoryFile() {
  memory_.reset();
  if (fd_ >= 0) close(fd_);
}

std::size_t MemoryFile::bytes() const {
  struct stat about {};
  return fstat(fd_, &about) == 0 ? static_cast<std::size_t>(about.st_size) : 0;
}

bool MemoryFile::read(std::span<std::byte> first) const {
  return pread(fd_, first.data(), first.size(), 0) == static_cast<ssize_t>(first.size());
}

std::span<std::byte> MemoryFile::map(std::size_t bytes) {
  memory_.reset();
  reserve(bytes);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    remove();
    throw std::runtime_error(std::string("The tables cannot be mapped: ") + std::strerror(error));
  }
  memory_ = {static_cast<std::byte*>(memory), UnmapFile{bytes}};
  madvise(memory, bytes, MADV_HUGEPAGE);        // a wish, which the mount may grant
  madvise(memory, bytes, MADV_POPULATE_WRITE);  // else the first packets pay for it
  return {memory_.get(), bytes};
}

// A hole would be filled at the first access, and end the process where no memory is left then.
void MemoryFile::reserve(std::size_t bytes) {
  const bool as_it_was = this->bytes() == bytes;
  if (!as_it_was && ftruncate(fd_, 0) != 0) throw std::runtime_error(std::strerror(errno));
  int error = 0;
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) error = errno;
  while (error == 0 && (error = posix_fallocate(fd_, 0, static_cast<off_t>(bytes))) == EINTR) {
    error = 0;  // a signal is no want of memory
  }
  if (error == 0) return;
  remove();
  throw std::runtime_error(folder_ + " has no " + std::to_string((bytes >> 20) + 1) +
                           " MiB of memory left (" + std::strerror(error) + ").");
}

void MemoryFile::remove() {
  unlink(file_in(folder_).c_str());
  rmdir(folder_.c_str());
}

void UnmapFile::operator()(std::byte* memory) const { munmap(memory, bytes); }

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/counters_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace dam {
namespace {

constexpr mode_t kMode = 0640;

[[noreturn]] void cannot_use(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), "The counters file " + path);
}

void* map_new_file(const std::string& path) {
  unlink(path.c_str());  // of a run that was killed; nobody else's file is ever opened
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (fd < 0) cannot_use(path);
  void* memory = MAP_FAILED;
  // fallocate, not ftruncate: a full file system is found out here, not by SIGBUS on the path.
  const int refused = posix_fallocate(fd, 0, sizeof(dam_counters));
  if (refused != 0) errno = refused;
  if (refused == 0 && fchmod(fd, kMode) == 0) {
    memory = mmap(nullptr, sizeof(dam_counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                  fd, 0);
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (memory == MAP_FAILED) cannot_use(path);
  return memory;
}

void copy_name(char (&to)[DAM_NAME_BYTES], const std::string& name) {
  std::strncpy(to, name.c_str(), sizeof to - 1);
  to[sizeof to - 1] = '\0';
}

uint64_t unix_now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

}  // namespace

CountersFile::CountersFile(std::string path, const std::string& driver, uint32_t workers,
                           uint64_t tsc_hz)
    : path_(std::move(path)) {
  const std::string temporary = path_ + ".new";
  counters_ = static_cast<dam_counters*>(map_new_file(temporary));
  counters_->workers = workers;
  counters_->start_unix_ns = unix_now_ns();
  counters_->tsc_hz = tsc_hz;
  copy_name(counters_->driver, driver);
  counters_->size_bytes = sizeof(dam_counters);
  counters_->version = DAM_COUNTERS_VERSION;
  std::atomic_thread_fence(std::memory_order_release);
  counters_->magic = DAM_COUNTERS_MAGIC;
  if (rename(temporary.c_str(), path_.c_str()) == 0) return;
  const int error = errno;
  munmap(counters_, sizeof(dam_counters));
  errno = error;
  cannot_use(path_);
}

CountersFile::~CountersFile() { munmap(counters_, sizeof(dam_counters)); }

void CountersFile::mirror_names(const Policy& policy) {
  for (uint32_t slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    const bool used = slot < policy.zones.size() && policy.zones[slot].in_policy;
    copy_name(counters_->zone_names[slot], used ? policy.zones[slot].name : "");
  }
  for (uint32_t slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    const bool used = slot < policy.servers.size() && policy.servers[slot].in_policy;
    copy_name(counters_->servers[slot].name, used ? policy.servers[slot].name : "");
  }
}

}  // namespace dam

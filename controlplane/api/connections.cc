// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/connections.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace dam::control {

Connections::Connections(Bounds bounds, Serve serve) : bounds_(bounds), serve_(std::move(serve)) {
  for (size_t i = 0; i < bounds_.threads; ++i) threads_.emplace_back([this] { run(); });
}

Connections::~Connections() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const Entry& entry : entries_) shutdown(entry.fd, SHUT_RD);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Connections::take(int fd, const std::string& source) {
  {
    const std::lock_guard lock(mutex_);
    if (!make_room(source)) {
      ++counts_.refused;
      close(fd);
      return;
    }
    entries_.push_back({fd, source});
  }
  changed_.notify_one();
}

void Connections::keep(int fd) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) entry.kept = entry.kept || entry.fd == fd;
}

Connections::Counts Connections::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool Connections::make_room(const std::string& source) {
  const auto here = std::count_if(entries_.begin(), entries_.end(),
                                  [](const Entry& entry) { return !entry.gone; });
  const auto its = std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return !entry.gone && entry.source == source;
  });
  if (static_cast<size_t>(its) >= bounds_.each) return push_out_oldest(&source);
  return static_cast<size_t>(here) < bounds_.most || push_out_oldest(nullptr);
}

bool Connections::push_out_oldest(const std::string* source) {
  const auto oldest = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return !entry.gone && !entry.kept && (source == nullptr || entry.source == *source);
  });
  if (oldest == entries_.end()) return false;
  ++counts_.pushed_out;
  if (oldest->served) {
    oldest->gone = true;
    shutdown(oldest->fd, SHUT_RDWR);
  } else {
    close(oldest->fd);
    entries_.erase(oldest);
  }
  return true;
}

void Connections::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto next = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& entry) { return !entry.served; });
    if (next == entries_.end()) {
      if (stopping_) return;
      changed_.wait(lock);
      continue;
    }
    next->served = true;
    lock.unlock();
    serve_(next->fd);
    lock.lock();
    // Under the lock: nobody may shut down a number that is somebody else's by then.
    close(next->fd);
    entries_.erase(next);
  }
}

}  // namespace dam::control

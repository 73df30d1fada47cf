// SPDX-License-Identifier: BSD-3-Clause
// The connections of one listener, in a table of bounded size, each served by a thread. Nobody can
// hold others up: where there is no place, the oldest connection goes whose owner has not proven
// who it is; among those of one address first, so that a stranger pushes out itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dam::control {

class Connections {
 public:
  struct Bounds {
    size_t threads = 16;
    size_t most = 16;  // served or waiting for a thread
    size_t each = 16;  // of one source
  };
  struct Counts {
    uint64_t refused = 0;     // no place, and nobody to push out
    uint64_t pushed_out = 0;  // for a newer one
  };
  using Serve = std::function<void(int fd)>;

  Connections(Bounds bounds, Serve serve);
  // Those that are being served get their answers; those that still send lose their connection.
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Owns `fd` from here on. Never blocks.
  void take(int fd, const std::string& source);
  // Its owner is known: it is not pushed out any more.
  void keep(int fd);
  Counts counts() const;

 private:
  struct Entry {
    int fd = -1;
    std::string source;
    bool kept = false;
    bool served = false;
    bool gone = false;  // pushed out; its thread is about to notice
  };
  using Entries = std::list<Entry>;

  void run();
  bool make_room(const std::string& source);
  bool push_out_oldest(const std::string* source);

  const Bounds bounds_;
  const Serve serve_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Entries entries_;  // oldest first
  Counts counts_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Rows on their way to the database: a bounded queue and a thread of its own, so that a database
// that is slow, broken or not there holds nobody up. What finds no room pushes out the oldest, and
// is counted.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controlplane/lookalikes/behaviour_database.h"

namespace dam::control {

struct StoreLimits {
  size_t queue_rows = 50'000;
  size_t batch_rows = 500;
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds longest_pause{60'000};
  std::chrono::seconds purge_every{600};
};

struct StoreCounts {
  uint64_t written = 0, dropped = 0, deleted = 0;  // rows
  size_t queued = 0;
  bool connected = false;
};

class BehaviourStore {
 public:
  using Say = std::function<void(bool well, const std::string&)>;  // once of each change

  // The file has libpq's keywords; it is read at each connection.
  BehaviourStore(std::filesystem::path file, StoreLimits limits, Say say);
  ~BehaviourStore();
  BehaviourStore(const BehaviourStore&) = delete;
  BehaviourStore& operator=(const BehaviourStore&) = delete;

  void set_rules(std::chrono::seconds keep, uint64_t most_rows);
  void offer(const BehaviourRows& rows);
  // Of those that wait: how many. Those that are being written are waited for; nothing: they still
  // are, and none has gone.
  std::optional<size_t> forget(const Network& source, std::chrono::milliseconds patience);
  StoreCounts counts() const;
  // A connection of the caller's own.
  std::unique_ptr<BehaviourDatabase> open(std::chrono::seconds patience) const;

 private:
  void run();
  bool work();
  void write_batch(std::unique_lock<std::mutex>& lock);
  void purge(std::unique_lock<std::mutex>& lock);
  void fail(const std::string& why);

  const std::filesystem::path file_;
  const StoreLimits limits_;
  const Say say_;
  mutable std::mutex mutex_;
  std::condition_variable came_, written_;
  std::deque<BehaviourRow> queue_;
  BehaviourRows batch_;  // being written
  StoreCounts counts_;
  std::chrono::seconds keep_{0};
  uint64_t most_rows_ = 0;
  bool stopping_ = false;
  std::string trouble_;  // the thread's, as all below
  bool told_ = false;    // that it is well, or not
  std::unique_ptr<BehaviourDatabase> database_;
  std::chrono::milliseconds pause_{0};
  std::chrono::steady_clock::time_point purge_at_{};
  std::thread thread_;
};

}  // namespace dam::control

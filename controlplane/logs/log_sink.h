// SPDX-License-Identifier: BSD-3-Clause
// Where lines go: a bounded queue and a thread that hands it to a writer. Whoever has a line never
// waits; what finds no room is counted, and told in a line once there is some.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/logs/log_record.h"

namespace dam::control {

struct LogLine {
  LogKind kind = LogKind::log;
  int64_t at_unix_ns = 0;
  uint64_t count = 1;
  std::string zone;  // may be empty
  std::string text;  // JSON, without the line's end
};
using LogBatch = std::vector<LogLine>;

class LogWriter {
 public:
  struct Written {
    size_t lines = 0;    // of the batch, the first
    bool again = false;  // the rest may go later; else it is lost
  };
  virtual ~LogWriter() = default;
  // May take its time. `wrong`: why not all of it.
  virtual Written write(const LogBatch& batch, std::string& wrong) = 0;
  // From another thread: write() is to end soon.
  virtual void stop() {}
};

struct SinkLimits {
  size_t queue_lines = 10'000;
  size_t batch_lines = 1000;
  size_t batch_bytes = 256 << 10;
  std::chrono::milliseconds batch_age{0};  // so long a batch may wait for more
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{30'000};
  int tries = 10;  // without a line written
};

struct SinkCounts {
  std::array<uint64_t, kLogKinds> lines{};  // by kind
  uint64_t queue_full = 0, not_written = 0;
  size_t queued = 0, queue_most = 0;
};

class LogSink {
 public:
  using Say = std::function<void(const std::string&)>;  // once when it fails, once when it is well
  LogSink(std::string name, std::unique_ptr<LogWriter> writer, SinkLimits limits, Say say);
  ~LogSink() { end(); }
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  void offer(const LogLine& line);
  // What waits gets one try, and two seconds; the rest is counted as not written.
  void end();
  SinkCounts counts() const;
  const std::string& name() const { return name_; }

 private:
  void run();
  void take_batch(std::unique_lock<std::mutex>& lock);
  bool is_ripe() const;
  void hand_over();
  void lose(size_t lines);
  void lose_queue();
  void add_lost_line();
  void note(const std::string& wrong);
  std::chrono::milliseconds jittered(std::chrono::milliseconds pause);

  const std::string name_;
  const std::unique_ptr<LogWriter> writer_;
  const SinkLimits limits_;
  const Say say_;
  mutable std::mutex mutex_;
  std::condition_variable came_, ended_;
  std::deque<LogLine> queue_;
  size_t queued_bytes_ = 0;
  SinkCounts counts_;
  uint64_t lost_lines_ = 0, lost_count_ = 0;  // not told yet
  bool stopping_ = false, over_ = false;
  LogBatch batch_;        // the thread's
  bool telling_ = false;  // batch_ begins with the line of what was lost: these
  uint64_t told_lines_ = 0, told_count_ = 0;
  std::string trouble_;
  std::mt19937 random_{std::random_device{}()};
  std::thread thread_;
};

}  // namespace dam::control

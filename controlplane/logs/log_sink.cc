// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_sink.h"

#include <algorithm>
#include <utility>

namespace dam::control {

namespace {
constexpr auto kLastTry = std::chrono::seconds(2);
}  // namespace

LogSink::LogSink(std::string name, std::unique_ptr<LogWriter> writer, SinkLimits limits, Say say)
    : name_(std::move(name)),
      writer_(std::move(writer)),
      limits_(limits),
      say_(std::move(say)),
      thread_([this] { run(); }) {}

void LogSink::end() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    came_.notify_all();
    if (!ended_.wait_for(lock, kLastTry, [this] { return over_; })) {
      lose_queue();
      lock.unlock();
      writer_->stop();
    }
  }
  thread_.join();
  const std::lock_guard lock(mutex_);
  lose_queue();
}

void LogSink::lose_queue() {
  counts_.not_written += queue_.size();
  queue_.clear();
  queued_bytes_ = 0;
}

void LogSink::offer(const LogLine& line) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= limits_.queue_lines) {
    ++counts_.queue_full;
    ++lost_lines_;
    lost_count_ += line.count;
    return;
  }
  queued_bytes_ += line.text.size();
  queue_.push_back(line);
  came_.notify_all();
}

SinkCounts LogSink::counts() const {
  const std::lock_guard lock(mutex_);
  SinkCounts counts = counts_;
  counts.queued = queue_.size();
  counts.queue_most = limits_.queue_lines;
  return counts;
}

bool LogSink::is_ripe() const {
  return stopping_ || queue_.size() >= limits_.batch_lines || queued_bytes_ >= limits_.batch_bytes;
}

void LogSink::take_batch(std::unique_lock<std::mutex>& lock) {
  came_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  came_.wait_for(lock, limits_.batch_age, [this] { return is_ripe(); });
  add_lost_line();
  size_t bytes = 0;
  while (!queue_.empty() && batch_.size() < limits_.batch_lines &&
         (batch_.empty() || bytes + queue_.front().text.size() <= limits_.batch_bytes)) {
    bytes += queue_.front().text.size();
    queued_bytes_ -= queue_.front().text.size();
    batch_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

// First of its batch: it is about what came before.
void LogSink::add_lost_line() {
  telling_ = lost_lines_ != 0;
  if (!telling_) return;
  told_lines_ = lost_lines_;
  told_count_ = lost_count_;
  const LogRecord record = record_of_lost(name_, lost_lines_, lost_count_,
                                          "lines that could not be written where this one is");
  batch_.push_back({record.kind, record.at_unix_ns, record.count, "", line_of(record)});
}

void LogSink::note(const std::string& wrong) {
  if (wrong.empty() == trouble_.empty()) return;
  trouble_ = wrong;
  say_(wrong.empty() ? "lines reach " + name_ + " again"
                     : "lines do not reach " + name_ + ", and are counted: " + wrong);
}

void LogSink::lose(size_t lines) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < lines; ++i) {
    if (telling_ && i == 0) continue;  // what it says stays to be said
    ++counts_.not_written;
    ++lost_lines_;
    lost_count_ += batch_[i].count;
  }
}

// Between half of it and all, for those who failed together not to come again together.
std::chrono::milliseconds LogSink::jittered(std::chrono::milliseconds pause) {
  return pause / 2 + std::chrono::milliseconds(random_() % (pause.count() / 2 + 1));
}

// Until the batch is written or lost.
void LogSink::hand_over() {
  auto pause = limits_.first_pause;
  for (int tries = 1; !batch_.empty(); ++tries) {
    std::string wrong;
    const LogWriter::Written written = writer_->write(batch_, wrong);
    note(wrong);
    std::unique_lock lock(mutex_);
    for (size_t i = 0; i < written.lines; ++i) ++counts_.lines[static_cast<size_t>(batch_[i].kind)];
    if (telling_ && written.lines > 0) {
      lost_lines_ -= told_lines_;
      lost_count_ -= told_count_;
      telling_ = false;
    }
    batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(written.lines));
    if (batch_.empty()) return;
    if (!written.again || tries >= limits_.tries || stopping_) {
      lock.unlock();
      lose(batch_.size());
      batch_.clear();
      return;
    }
    if (written.lines > 0) {
      tries = 0;
      pause = limits_.first_pause;
    }
    came_.wait_for(lock, jittered(pause), [this] { return stopping_; });
    pause = std::min(pause * 2, limits_.longest_pause);
  }
}

void LogSink::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || !queue_.empty()) {
    take_batch(lock);
    lock.unlock();
    hand_over();
    lock.lock();
    if (stopping_ && !trouble_.empty()) break;
  }
  over_ = true;
  ended_.notify_all();
}

}  // namespace dam::control

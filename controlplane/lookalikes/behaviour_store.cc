// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/behaviour_store.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <utility>

#include "controlplane/lookalikes/secret_file.h"

namespace dam::control {

namespace {

using StoreClock = std::chrono::steady_clock;
constexpr auto kLookAround = std::chrono::seconds(1);
constexpr auto kStatementPatience = std::chrono::seconds(10);

}  // namespace

BehaviourStore::BehaviourStore(std::filesystem::path file, StoreLimits limits, Say say)
    : file_(std::move(file)), limits_(limits), say_(std::move(say)) {
  thread_ = std::thread([this] { run(); });
}

BehaviourStore::~BehaviourStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  came_.notify_all();
  thread_.join();
}

void BehaviourStore::set_rules(std::chrono::seconds keep, uint64_t most_rows) {
  const std::lock_guard lock(mutex_);
  keep_ = keep;
  most_rows_ = most_rows;
}

void BehaviourStore::offer(const BehaviourRows& rows) {
  {
    const std::lock_guard lock(mutex_);
    queue_.insert(queue_.end(), rows.begin(), rows.end());
    while (queue_.size() > limits_.queue_rows) {
      queue_.pop_front();
      ++counts_.dropped;
    }
  }
  came_.notify_all();
}

std::optional<size_t> BehaviourStore::forget(const Network& source,
                                             std::chrono::milliseconds patience) {
  const Network wanted = source.masked();
  std::unique_lock lock(mutex_);
  const auto in_batch = [&] {
    return std::any_of(batch_.begin(), batch_.end(),
                       [&](const auto& row) { return overlap(row.source, wanted); });
  };
  if (!written_.wait_for(lock, patience, [&] { return !in_batch(); })) return std::nullopt;
  return std::erase_if(queue_, [&](const auto& row) { return overlap(row.source, wanted); });
}

StoreCounts BehaviourStore::counts() const {
  const std::lock_guard lock(mutex_);
  StoreCounts counts = counts_;
  counts.queued = queue_.size() + batch_.size();
  return counts;
}

std::unique_ptr<BehaviourDatabase> BehaviourStore::open(std::chrono::seconds patience) const {
  return std::make_unique<BehaviourDatabase>(read_secret_file(file_), patience);
}

void BehaviourStore::run() {
  for (;;) {
    const bool well = work();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    if (well) {
      came_.wait_for(lock, kLookAround, ready);
    } else {
      came_.wait_for(lock, pause_, [this] { return stopping_; });
    }
  }
}

// What there is to do, once. False: it could not be done, and goes again after a pause.
bool BehaviourStore::work() {
  try {
    if (!database_) {
      database_ = open(kStatementPatience);
      database_->prepare();
    }
    std::unique_lock lock(mutex_);
    counts_.connected = true;
    if (!queue_.empty()) write_batch(lock);
    if (StoreClock::now() >= purge_at_ && most_rows_ != 0) purge(lock);
    pause_ = std::chrono::milliseconds(0);
  } catch (const std::exception& error) {
    fail(error.what());
    return false;
  }
  if (!std::exchange(trouble_, "").empty() || !told_) {
    told_ = true;
    if (say_) say_(true, "the look-alikes' database answers");
  }
  return true;
}

void BehaviourStore::write_batch(std::unique_lock<std::mutex>& lock) {
  const auto end =
      queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), limits_.batch_rows));
  batch_.assign(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  lock.unlock();
  database_->insert(batch_);
  lock.lock();
  counts_.written += batch_.size();
  batch_.clear();
  written_.notify_all();
}

void BehaviourStore::purge(std::unique_lock<std::mutex>& lock) {
  const auto keep = keep_;
  const uint64_t most_rows = most_rows_;
  purge_at_ =
      StoreClock::now() + limits_.longest_pause;  // one that fails keeps no row from writing
  lock.unlock();
  const Purged purged =
      database_->purge(static_cast<int64_t>(std::time(nullptr)) - keep.count(), most_rows);
  lock.lock();
  counts_.deleted += purged.windows;
  purge_at_ = StoreClock::now();
  if (!purged.more) purge_at_ += limits_.purge_every;
}

// The batch goes back to where it was, and is written again.
void BehaviourStore::fail(const std::string& why) {
  database_.reset();
  pause_ = std::clamp(2 * pause_, limits_.first_pause, limits_.longest_pause);
  {
    const std::lock_guard lock(mutex_);
    counts_.connected = false;
    queue_.insert(queue_.begin(), batch_.begin(), batch_.end());
    batch_.clear();
    while (queue_.size() > limits_.queue_rows) {
      queue_.pop_front();
      ++counts_.dropped;
    }
  }
  written_.notify_all();
  const bool known = told_ && !trouble_.empty();
  trouble_ = why;
  told_ = true;
  if (!known && say_) {
    say_(false, "the look-alikes' database is away, nothing else is missed: " + why);
  }
}

}  // namespace dam::control

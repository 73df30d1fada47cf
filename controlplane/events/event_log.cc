// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/events/event_log.h"

#include <algorithm>

namespace dam::control {

namespace {

constexpr const char* kKindNames[] = {
#define X(name, text) #name,
    DAM_EVENT_KINDS(X)
#undef X
};

int64_t now_unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

const char* event_kind_name(EventKind kind) { return kKindNames[static_cast<int>(kind)]; }

std::vector<std::string> event_kind_names() {
  return {std::begin(kKindNames), std::end(kKindNames)};
}

std::optional<EventKind> event_kind_of(const std::string& name) {
  const auto* found = std::find(std::begin(kKindNames), std::end(kKindNames), name);
  if (found == std::end(kKindNames)) return std::nullopt;
  return static_cast<EventKind>(found - std::begin(kKindNames));
}

void EventLog::add(Event event) {
  {
    const std::lock_guard lock(mutex_);
    event.number = ++last_;
    event.at_unix_ms = now_unix_ms();
    events_.push_back(std::move(event));
    if (events_.size() > kMost) events_.pop_front();
  }
  came_.notify_all();
}

std::vector<Event> EventLog::above(int64_t after, size_t most,
                                   std::optional<EventKind> kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> result;
  const auto first =
      std::upper_bound(events_.begin(), events_.end(), after,
                       [](int64_t number, const Event& event) { return number < event.number; });
  for (auto at = first; at != events_.end() && result.size() < most; ++at) {
    if (!kind || at->kind == *kind) result.push_back(*at);
  }
  return result;
}

std::vector<Event> EventLog::newest(size_t most, std::optional<EventKind> kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> result;
  for (auto at = events_.rbegin(); at != events_.rend() && result.size() < most; ++at) {
    if (!kind || at->kind == *kind) result.push_back(*at);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

int64_t EventLog::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

bool EventLog::wait_above(int64_t after, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, patience, [&] { return closed_ || last_ > after; });
  return !closed_ && last_ > after;
}

void EventLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  came_.notify_all();
}

bool EventLog::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_feed.h"

#include <utility>

namespace dam::control {

namespace {
constexpr auto kLogRound = std::chrono::seconds(1);
constexpr size_t kEventsAtOnce = 1000;
}  // namespace

LogFeed::LogFeed(Logs& logs, const EventLog& events,
                 std::function<std::shared_ptr<const Policy>()> policy)
    : logs_(logs), events_(events), policy_(std::move(policy)), alarm_([this] { round(); }) {
  if (const auto now = policy_()) logs_.set_rules(now->logs);
  thread_ = std::thread([this] { run(); });
  alarm_.set(AlarmClock::Clock::now() + kLogRound);
}

// With what came until now.
LogFeed::~LogFeed() {
  stopping_.store(true);
  thread_.join();
}

void LogFeed::run() {
  while (!stopping_.load() && !events_.is_closed()) {
    if (events_.wait_above(heard_, kLogRound)) take_events();
  }
  take_events();
}

void LogFeed::take_events() {
  for (;;) {
    const std::vector<Event> came = events_.above(heard_, kEventsAtOnce);
    if (came.empty()) return;
    const auto missed = static_cast<uint64_t>(came.front().number - heard_ - 1);
    heard_ = came.back().number;
    if (missed != 0) logs_.add(record_of_lost("events", missed, missed, "more came than are kept"));
    for (const Event& event : came) {
      if (const auto record = record_of(event)) logs_.add(*record);
    }
  }
}

void LogFeed::round() {
  if (const auto now = policy_()) logs_.set_rules(now->logs);
  logs_.tick();
  alarm_.set(AlarmClock::Clock::now() + kLogRound);
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_feed.h"

#include <utility>

namespace dam::control {

namespace {
constexpr auto kLogRound = std::chrono::seconds(1);
constexpr size_t kEventsAtOnce = 1000;
constexpr int kMostAnswers = 20;
}  // namespace

LogFeed::LogFeed(Logs& logs, const EventLog& events, Ask ask,
                 std::function<std::shared_ptr<const Policy>()> policy, Listener listener)
    : logs_(logs),
      events_(events),
      ask_(std::move(ask)),
      policy_(std::move(policy)),
      listener_(std::move(listener)),
      alarm_([this] { round(); }) {
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

void LogFeed::take_records(bool with_connections) {
  v1::Request request;
  request.mutable_take_log();
  for (int answers = 0; answers < kMostAnswers; ++answers) {
    const auto reply = ask_(request);
    if (!reply) return;
    const v1::Log& log = reply->log();
    const int64_t now = unix_ns_now();
    if (listener_.take) listener_.take(log);
    if (with_connections) {
      for (const auto& one : log.connections()) logs_.add(record_of(one, now));
    }
    for (const auto& one : log.refusals()) logs_.add(record_of(one, now));
    if (const uint64_t lost = log.lost_sights(); lost != 0) {
      logs_.add(record_of_lost("refusal", 0, lost,
                               "packets that were not told of, refused ones among them"));
    }
    if (const uint64_t lost = log.lost_connections(); lost != 0) {
      logs_.add(record_of_lost("connection", 0, lost, "more connections ended than are kept"));
    }
    if (!log.more()) return;
  }
}

void LogFeed::round() {
  const auto now = policy_();
  if (now) logs_.set_rules(now->logs);
  const bool lines = now && now->logs.has_sink();
  if (lines || (listener_.wants && listener_.wants())) {
    take_records(lines && now->logs.connections != 0);
  }
  logs_.tick();
  alarm_.set(AlarmClock::Clock::now() + kLogRound);
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/events/watcher.h"

namespace dam::control {

namespace {

constexpr auto kEvery = std::chrono::milliseconds(500);
constexpr int64_t kPause_s = 10;

int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             AlarmClock::Clock::now().time_since_epoch())
      .count();
}

}  // namespace

Watcher::Watcher(EventLog& log, std::function<Scene()> look)
    : log_(log), look_(std::move(look)), throttle_(kPause_s), alarm_([this] { round(); }) {
  Scene first = look_();  // what was counted before is no event
  before_.counters = std::move(first.counters);
  before_.ended_bans = std::move(first.ended_bans);
  alarm_.set(AlarmClock::Clock::now() + kEvery);
}

void Watcher::round() {
  Scene now = look_();
  for (Event& event : throttle_.pass(events_between(before_, now), seconds_now())) {
    log_.add(std::move(event));
  }
  before_ = std::move(now);
  alarm_.set(AlarmClock::Clock::now() + kEvery);
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What becomes an event, how often, and how long it is remembered.
#include <gtest/gtest.h>

#include "controlplane/events/changes.h"
#include "controlplane/events/watcher.h"
#include "tests/unit/controlplane/sample_counters.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

Scene scene_with(std::unique_ptr<dam_counters> counters) {
  Scene scene;
  scene.connected = true;
  scene.version = 3;
  scene.counters = std::move(counters);
  return scene;
}

std::vector<std::string> texts(const std::vector<Event>& events) {
  std::vector<std::string> result;
  for (const Event& event : events) {
    result.push_back(std::string(event_kind_name(event.kind)) + " " + event.subject + " " +
                     event.reason + " " + std::to_string(event.count));
  }
  return result;
}

using Texts = std::vector<std::string>;

TEST(EventsBetween, nothing_happens_where_nothing_changes) {
  EXPECT_EQ(texts(events_between(scene_with(sample_counters()), scene_with(sample_counters()))),
            Texts{});
}

TEST(EventsBetween, refusals_are_events_of_their_zone_and_reason_with_their_count) {
  auto later = sample_counters();
  later->worker[0].zones[1].drops[DAM_DROP_source_packets] += 5;
  later->worker[1].zones[1].drops[DAM_DROP_source_packets] += 2;
  later->worker[1].zones[0].drops[DAM_DROP_no_route] += 1;
  later->worker[1].zones[0].drops[DAM_DROP_bad_cookie] += 9;  // the internet's noise
  later->worker[0].zones[1].bans[DAM_DIM_packets] += 1;
  later->worker[0].zones[1].shadow_exceeded[1][DAM_DIM_packets] += 4;
  later->servers[3].up = 0;
  EXPECT_EQ(texts(events_between(scene_with(sample_counters()), scene_with(std::move(later)))),
            (Texts{"route front no_route 1", "violation light source_packets 7",
                   "violation light shadow 4", "ban light zone_banned 1", "server web  1"}));
}

TEST(EventsBetween, bans_that_end_by_time_are_one_event_of_their_origin) {
  Scene before = scene_with(sample_counters());
  before.ended_bans = {{"operator", {3, "198.51.100.7/32"}}};
  Scene now = before;
  EXPECT_EQ(texts(events_between(before, now)), Texts{});
  now.ended_bans = {{"operator", {4, "198.51.100.8/32"}}, {"zone heavy", {2, "198.51.100.9/32"}}};
  const auto events = events_between(before, now);
  EXPECT_EQ(texts(events), (Texts{"ban operator expired 1", "ban zone heavy expired 2"}));
  EXPECT_EQ(events[1].text, "banned no more, since the time was over, the last: 198.51.100.9/32");
  Throttle throttle(10);
  EXPECT_EQ(throttle.pass(events, 100).size(), 2u);
  EXPECT_EQ(throttle.pass(events, 101).size(), 0u);
  EXPECT_EQ(texts(throttle.pass({}, 110)),
            (Texts{"ban operator expired 1", "ban zone heavy expired 2"}));
}

TEST(EventsBetween, a_restarted_dataplane_counts_from_nothing) {
  auto later = sample_counters();
  later->start_unix_ns = 77;
  const auto events = events_between(scene_with(sample_counters()), scene_with(std::move(later)));
  EXPECT_EQ(texts(events), (Texts{"violation light source_packets 14", "violation light shadow 8",
                                  "ban light zone_banned 6"}));
}

TEST(EventsBetween, a_zone_that_moved_to_another_slot_is_the_same_zone) {
  auto later = sample_counters();
  std::swap(later->zone_names[1], later->zone_names[5]);
  for (auto& worker : {&later->worker[0], &later->worker[1]}) {
    std::swap(worker->zones[1], worker->zones[5]);
  }
  EXPECT_EQ(texts(events_between(scene_with(sample_counters()), scene_with(std::move(later)))),
            Texts{});
}

TEST(EventsBetween, links_that_went_or_came_back_are_told_by_interface) {
  const auto after = [](uint64_t up, uint64_t changes) {
    auto later = sample_counters();
    later->interfaces[0].link_up = up;
    later->interfaces[0].link_changes = changes;
    const auto events = events_between(scene_with(sample_counters()), scene_with(std::move(later)));
    return events.empty() ? std::string() : events[0].subject + ": " + events[0].text;
  };
  EXPECT_EQ(after(1, 0), "");
  EXPECT_EQ(after(0, 1), "front: the link of front is down");
  EXPECT_EQ(after(1, 2), "front: the link of front was down for a moment");
}

TEST(EventsBetween, policies_and_the_dataplane_are_told) {
  Scene before;
  Scene now;
  now.connected = true;
  now.version = 4;
  now.author = "root";
  now.comment = "rollback to 2";
  now.unconfirmed = true;
  const auto events = events_between(before, now);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].text,
            "version 4 is in force (root: rollback to 2); it waits for its confirmation");
  EXPECT_EQ(events[1].text, "the dataplane answers");
  Scene later = now;
  later.unconfirmed = false;
  EXPECT_EQ(events_between(now, later)[0].text, "version 4 is confirmed");
}

TEST(Throttle, holds_back_what_comes_often_and_loses_no_count) {
  Throttle throttle(10);
  const Event violation{EventKind::violation, "heavy", "source_packets", 3, "over"};
  EXPECT_EQ(texts(throttle.pass({violation}, 100)), Texts{"violation heavy source_packets 3"});
  EXPECT_EQ(texts(throttle.pass({violation}, 101)), Texts{});
  EXPECT_EQ(texts(throttle.pass({violation}, 109)), Texts{});
  EXPECT_EQ(texts(throttle.pass({}, 110)), Texts{"violation heavy source_packets 6"});
  EXPECT_EQ(texts(throttle.pass({}, 125)), Texts{});
  EXPECT_EQ(texts(throttle.pass({violation}, 126)), Texts{"violation heavy source_packets 3"});
}

TEST(Throttle, lets_what_no_stranger_can_cause_pass_at_once) {
  Throttle throttle(10);
  const Event down{EventKind::server, "web", "", 1, "down"};
  EXPECT_EQ(throttle.pass({down}, 100).size(), 1u);
  EXPECT_EQ(throttle.pass({down}, 100).size(), 1u);
}

TEST(EventLog, numbers_go_up_and_old_events_are_forgotten) {
  EventLog log;
  for (size_t i = 0; i < EventLog::kMost + 5; ++i)
    log.add({EventKind::route, "front", "no_route", 1, ""});
  log.add({EventKind::policy, "1", "", 1, ""});
  EXPECT_EQ(log.above(0, 1)[0].number, 7);
  EXPECT_EQ(log.newest(1)[0].number, log.last_number());
  EXPECT_EQ(log.above(0, 10, EventKind::policy).size(), 1u);
  EXPECT_TRUE(log.above(log.last_number(), 10).empty());
}

TEST(EventLog, whoever_waits_is_woken_by_an_event_and_by_the_end) {
  EventLog log;
  EXPECT_FALSE(log.wait_above(0, std::chrono::milliseconds(1)));
  std::thread first([&log] { log.add({EventKind::policy, "1", "", 1, ""}); });
  EXPECT_TRUE(log.wait_above(0, std::chrono::seconds(60)));
  first.join();
  std::thread last([&log] { log.close(); });
  EXPECT_FALSE(log.wait_above(1, std::chrono::seconds(60)));
  last.join();
}

TEST(Watcher, writes_down_what_changes_and_not_what_was_before) {
  EventLog log;
  std::mutex mutex;
  uint64_t refused = 7;
  const Watcher watcher(log, [&] {
    const std::lock_guard lock(mutex);
    auto counters = sample_counters();
    counters->worker[0].zones[1].drops[DAM_DROP_source_packets] = refused;
    return scene_with(std::move(counters));
  });
  EXPECT_TRUE(eventually([&] { return log.last_number() >= 2; }));  // the policy, the dataplane
  {
    const std::lock_guard lock(mutex);
    refused += 30;
  }
  EXPECT_TRUE(eventually([&] { return !log.above(0, 10, EventKind::violation).empty(); }));
  EXPECT_EQ(log.above(0, 10, EventKind::violation)[0].count, 30u);
}

}  // namespace
}  // namespace dam::control

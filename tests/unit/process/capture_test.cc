// SPDX-License-Identifier: BSD-3-Clause
// A capture's bounds: packets, bytes, time, one at a time; what it wants of the planes, and what it
// refuses to want.
#include "dataplane/process/capture.h"

#include <gtest/gtest.h>

#include <functional>

#include "dataplane/ipc/bounds.h"

namespace dam {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kUnixLessMonotonic = 1'700'000'000 * kSecondNs;

struct CaptureTest : testing::Test {
  Capture capture;
  Policy policy;
  std::vector<Interface> interfaces{2};
  uint64_t now_ns = 50 * kSecondNs;
  uint64_t lost = 1000;  // before it begins
  std::string frame = std::string(1000, 'x');

  CaptureTest() {
    for (const char* name : {"front", "pages", "api"}) policy.zones.emplace_back().name = name;
    for (Zone& zone : policy.zones) zone.in_policy = true;
    interfaces[0].name = "wan";
    interfaces[1].name = "lan";
  }

  v1::Reply answer(const v1::Request& request) {
    return capture.answer(request, &policy, interfaces, now());
  }
  Capture::Now now() const { return {now_ns, now_ns + kUnixLessMonotonic, lost}; }
  void tick() { capture.tick(now(), &policy); }

  using Change = std::function<void(v1::StartCapture&)>;
  v1::Reply start(const Change& change = [](v1::StartCapture&) {}) {
    v1::Request request;
    v1::StartCapture& asked = *request.mutable_start_capture();
    asked.set_by("alice");
    asked.set_passed(true);
    asked.set_dropped(true);
    asked.set_snap_bytes(256);
    asked.set_most_packets(kMostCapturePackets);
    asked.set_seconds(20);
    change(asked);
    return answer(request);
  }
  v1::Reply read(uint64_t id = 0, bool state_only = false) {
    v1::Request request;
    request.mutable_read_capture()->set_id(id);
    request.mutable_read_capture()->set_state_only(state_only);
    return answer(request);
  }
  v1::Capture state() { return read(0, true).capture(); }
  v1::Reply stop(uint64_t id = 0, bool discard = false) {
    v1::Request request;
    request.mutable_stop_capture()->set_id(id);
    request.mutable_stop_capture()->set_discard(discard);
    return answer(request);
  }

  dam_sight sight(dam_drop_reason reason = DAM_DROP_none, uint8_t zone = 1) const {
    dam_sight sight{};
    sight.at_ns = now_ns;
    sight.client = dam_address_v4(__builtin_bswap32(0xc6336407));  // 198.51.100.7
    sight.frame_bytes = 1400;
    sight.reason = static_cast<uint8_t>(reason);
    sight.zone = zone;
    sight.flags = DAM_SIGHT_CAPTURED;
    return sight;
  }
  void take(const dam_sight& seen) {
    capture.take(seen, {reinterpret_cast<const uint8_t*>(frame.data()), frame.size()});
  }
  bool wants(const dam_sight& seen) { return dam_capture_wants(&capture.wanted(), &seen) != 0; }
};

TEST_F(CaptureTest, a_frame_comes_out_as_it_went_in_cut_to_the_snap_length) {
  EXPECT_EQ(start().capture().interfaces(1), "lan");
  dam_sight seen = sight(DAM_DROP_source_packets, 2);
  seen.flags |= DAM_SIGHT_S2C;
  seen.interface = 1;
  take(seen);
  const v1::Reply reply = read();
  ASSERT_EQ(reply.capture().frames_size(), 1);
  const v1::CapturedFrame& got = reply.capture().frames(0);
  EXPECT_EQ(got.at_unix_ns(), now_ns + kUnixLessMonotonic);
  EXPECT_EQ(got.zone(), "api");
  EXPECT_EQ(got.reason(), DAM_DROP_source_packets);
  EXPECT_EQ(got.interface(), 1u);
  EXPECT_TRUE(got.from_server());
  EXPECT_EQ(got.frame_bytes(), 1400u);
  EXPECT_EQ(got.octets(), std::string(256, 'x'));
  EXPECT_EQ(read().capture().frames_size(), 0) << "it is read once";
}

TEST_F(CaptureTest, wants_nothing_before_it_begins_and_after_its_end) {
  EXPECT_FALSE(wants(sight()));
  start();
  EXPECT_TRUE(wants(sight()));
  EXPECT_TRUE(stop().ok());
  EXPECT_FALSE(wants(sight()));
  take(sight());
  EXPECT_EQ(state().kept(), 0u) << "what comes late is not kept";
  EXPECT_EQ(state().ended(), "it was stopped");
}

TEST_F(CaptureTest, wants_what_the_filter_says) {
  start([](v1::StartCapture& asked) {
    asked.mutable_client()->set_address("\xc6\x33\x64\x99");  // 198.51.100.153/24
    asked.mutable_client()->set_prefix_bits(24);
    asked.set_zone("api");
    asked.set_passed(false);
  });
  EXPECT_TRUE(wants(sight(DAM_DROP_source_packets, 2)));
  EXPECT_FALSE(wants(sight(DAM_DROP_source_packets, 1))) << "another zone";
  EXPECT_FALSE(wants(sight(DAM_DROP_none, 2))) << "it passed";
  dam_sight other = sight(DAM_DROP_source_packets, 2);
  other.client = dam_address_v4(__builtin_bswap32(0xc6336507));  // 198.51.101.7
  EXPECT_FALSE(wants(other)) << "another client";
}

TEST_F(CaptureTest, wants_one_reason_alone) {
  start([](v1::StartCapture& asked) { asked.set_reason("no_route"); });
  EXPECT_TRUE(wants(sight(DAM_DROP_no_route)));
  EXPECT_FALSE(wants(sight(DAM_DROP_banned)));
}

TEST_F(CaptureTest, of_an_ipv6_network) {
  start([](v1::StartCapture& asked) {
    asked.mutable_client()->set_address(std::string("\x20\x01\x0d\xb8", 4) + std::string(12, '\0'));
    asked.mutable_client()->set_prefix_bits(32);
  });
  dam_sight seen = sight();
  EXPECT_FALSE(wants(seen)) << "IPv4";
  seen.client = dam_address{{__builtin_bswap32(0x20010db8), 7, 8, 9}};
  EXPECT_TRUE(wants(seen));
}

TEST_F(CaptureTest, what_no_capture_is_told_of_is_not_kept) {
  start();
  dam_sight sampled = sight();
  sampled.flags = 0;
  take(sampled);
  EXPECT_EQ(state().kept(), 0u);
}

TEST_F(CaptureTest, ends_with_its_last_packet) {
  start([](v1::StartCapture& asked) { asked.set_most_packets(3); });
  for (int i = 0; i < 5; ++i) take(sight());
  EXPECT_EQ(state().kept(), 3u);
  EXPECT_EQ(state().ended(), "all packets that were asked for");
  EXPECT_FALSE(wants(sight()));
  EXPECT_EQ(read().capture().frames_size(), 3);
}

TEST_F(CaptureTest, ends_with_its_time) {
  start([](v1::StartCapture& asked) { asked.set_seconds(5); });
  now_ns += 5 * kSecondNs - 1;
  tick();
  EXPECT_EQ(state().ended(), "");
  ++now_ns;
  tick();
  EXPECT_EQ(state().ended(), "its time is over");
}

TEST_F(CaptureTest, ends_when_nobody_reads_and_looking_is_no_reading) {
  start();
  now_ns += 9 * kSecondNs;
  read();
  take(sight());
  for (int i = 0; i < 10; ++i) {
    now_ns += kSecondNs;
    state();
    tick();
  }
  EXPECT_EQ(state().ended(), "");
  EXPECT_TRUE(state().more());
  ++now_ns;
  tick();
  EXPECT_EQ(state().ended(), "nobody fetched it for 10 s");
  EXPECT_FALSE(state().more()) << "its memory is given back";
}

TEST_F(CaptureTest, ends_when_another_zone_takes_its_slot) {
  start([](v1::StartCapture& asked) { asked.set_zone("api"); });
  policy.zones[2].in_policy = false;
  tick();
  EXPECT_EQ(state().ended(), "") << "its connections live still";
  policy.zones[2].name = "shop";
  tick();
  EXPECT_EQ(state().ended(), "its zone is gone");
}

TEST_F(CaptureTest, holds_a_bounded_number_of_bytes_and_counts_what_found_no_room) {
  start([](v1::StartCapture& asked) { asked.set_snap_bytes(1000); });
  const uint64_t sent = 2 * kCaptureBufferBytes / frame.size();
  for (uint64_t i = 0; i < sent; ++i) take(sight());
  tick();
  const v1::Capture full = state();
  EXPECT_EQ(full.kept() + full.not_kept(), sent);
  EXPECT_LE(full.kept() * frame.size(), kCaptureBufferBytes);
  EXPECT_GE(full.kept() * frame.size(), kCaptureBufferBytes * 9 / 10);
  EXPECT_EQ(full.ended(), "") << "room comes back";
  uint64_t got = 0;
  for (v1::Reply reply = read(); reply.capture().frames_size() > 0; reply = read()) {
    EXPECT_LE(reply.ByteSizeLong(), kCaptureReplyBytes + 2048);
    got += static_cast<uint64_t>(reply.capture().frames_size());
    EXPECT_EQ(reply.capture().more(), got < full.kept());
  }
  EXPECT_EQ(got, full.kept());
  take(sight());
  EXPECT_EQ(state().kept(), full.kept() + 1);
}

TEST_F(CaptureTest, what_was_lost_on_its_way_while_it_goes_on_is_not_kept) {
  start();
  lost += 7;
  tick();
  EXPECT_EQ(state().not_kept(), 7u);
  stop();
  lost += 100;
  tick();
  EXPECT_EQ(state().not_kept(), 7u) << "the next one's, or nobody's";
}

TEST_F(CaptureTest, what_was_lost_before_its_last_packet_is_not_kept_though_it_ended_at_once) {
  start([](v1::StartCapture& asked) { asked.set_most_packets(1); });
  lost += 7;
  take(sight());
  tick();
  EXPECT_EQ(state().not_kept(), 7u);
  lost += 100;
  tick();
  EXPECT_EQ(state().not_kept(), 7u);
}

TEST_F(CaptureTest, a_second_one_is_refused_and_told_whose_the_first_is) {
  start();
  now_ns += 5 * kSecondNs;
  const v1::Reply second = start([](v1::StartCapture& asked) { asked.set_by("bob"); });
  EXPECT_FALSE(second.ok());
  EXPECT_EQ(second.errors(0), "A capture of alice is under way, for at most 15 s more.");
  EXPECT_EQ(second.capture().asked().by(), "alice");
  take(sight());
  stop();
  EXPECT_FALSE(start().ok()) << "its packets would be lost";
  read();
  EXPECT_TRUE(start().ok());
}

TEST_F(CaptureTest, one_that_nobody_will_read_makes_room_at_once) {
  const uint64_t id = start().capture().id();
  take(sight());
  EXPECT_FALSE(stop(id + 1).ok());
  EXPECT_TRUE(stop(id, true).ok());
  const v1::Reply next = start();
  EXPECT_TRUE(next.ok());
  EXPECT_NE(next.capture().id(), id);
  EXPECT_FALSE(read(id).ok());
}

TEST_F(CaptureTest, says_which_zones_and_reasons_there_are) {
  const v1::Reply zone = start([](v1::StartCapture& asked) { asked.set_zone("apl"); });
  EXPECT_EQ(zone.errors(0), "There is no zone \"apl\"; there are: front, pages, api.");
  EXPECT_EQ(zone.capture().id(), 0u) << "none is under way";
  const v1::Reply reason = start([](v1::StartCapture& asked) { asked.set_reason("flood"); });
  EXPECT_NE(reason.errors(0).find("there are: none, malformed,"), std::string::npos);
}

TEST_F(CaptureTest, refuses_what_is_out_of_bounds) {
  const std::pair<const char*, Change> wrong[] = {
      {"snap_bytes 63 is", [](v1::StartCapture& asked) { asked.set_snap_bytes(63); }},
      {"snap_bytes 2049 is", [](v1::StartCapture& asked) { asked.set_snap_bytes(2049); }},
      {"most_packets 0 is", [](v1::StartCapture& asked) { asked.set_most_packets(0); }},
      {"most_packets 100001", [](v1::StartCapture& asked) { asked.set_most_packets(100'001); }},
      {"seconds 301 is", [](v1::StartCapture& asked) { asked.set_seconds(301); }},
      {"of neither", [](v1::StartCapture& asked) { asked.clear_passed(), asked.clear_dropped(); }},
      {"an address of 3 bytes",
       [](v1::StartCapture& asked) { asked.mutable_client()->set_address("abc"); }},
      {"the bytes of by 201", [](v1::StartCapture& asked) { asked.set_by(std::string(201, 'a')); }},
  };
  for (const auto& [text, change] : wrong) {
    const v1::Reply reply = start(change);
    ASSERT_FALSE(reply.ok()) << text;
    EXPECT_NE(reply.errors(0).find(text), std::string::npos) << reply.errors(0);
    EXPECT_FALSE(wants(sight()));
  }
}

}  // namespace
}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What becomes of packets is told to whoever watches: of a sample always, of each packet to a
// capture that wants it, with its frame as it came in, and once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dataplane/core/sight.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

constexpr double kEvery{static_cast<int>(DAM_SIGHT_EVERY)};

struct Told {
  dam_sight sight;
  std::vector<uint8_t> frame;
};

std::vector<Told> take(SmallSite& site) {
  std::vector<Told> all;
  const SightSink sink = [&](const dam_sight& sight, std::span<const uint8_t> frame) {
    all.push_back({sight, {frame.begin(), frame.end()}});
  };
  if (site.front() != nullptr) site.front()->take_sights(sink);
  dam_sight sight;
  SightRing::FrameBytes frame;
  while (site.engine().worker(0).take_sight(sight, frame)) {
    sink(sight, {frame.data(), sight.captured_bytes});
  }
  return all;
}

dam_capture all_packets() {
  dam_capture wanted{};
  wanted.snap_bytes = DAM_SIGHT_FRAME_BYTES;
  wanted.zone = wanted.reason = DAM_SIGHT_ANY;
  wanted.passed = wanted.dropped = 1;
  return wanted;
}

void capture(SmallSite& site, const dam_capture& wanted) {
  take(site);
  site.engine().set_capture(wanted);
  if (site.front() != nullptr) site.front()->set_capture(wanted);
}

class Sights : public testing::Test {
 protected:
  ~Sights() override {
    if (site.front() != nullptr) site.front()->set_capture({});  // its program serves other tests
  }
  std::vector<Told> captured() {
    std::vector<Told> all = take(site);
    std::erase_if(all, [](const Told& one) { return (one.sight.flags & DAM_SIGHT_CAPTURED) == 0; });
    return all;
  }
  void limit(int dimension, uint64_t burst) {
    Policy policy = site.draft();
    policy.zones[kServiceZone].per_source[dimension] = dam_gcra_rate_of(1'000, burst);
    site.apply(policy);
  }
  SmallSite site;
};

std::string payload_of(const Told& told) {
  dam_packet packet;
  const uint8_t* data = told.frame.data();
  if (dam_parse(data, data + told.frame.size(), &packet) != DAM_DROP_none) return "unreadable";
  return {reinterpret_cast<const char*>(data) + packet.payload, packet.payload_bytes};
}

TEST_F(Sights, a_capture_hears_of_each_packet_once_with_its_frame_as_it_came_in) {
  const Connection c = stand(site).value();
  capture(site, all_packets());
  site.send(kFrontPort, c.client.segment(kAck, "up"));
  site.send(c.server_port, c.from_server(kAck, "down", server_next(c), server_ack(c)));
  const auto told = captured();
  ASSERT_EQ(told.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(told[i].sight.reason, DAM_DROP_none);
    EXPECT_EQ(told[i].sight.zone, kServiceZone);
    EXPECT_EQ(told[i].sight.frame_bytes, told[i].frame.size());
    EXPECT_TRUE(dam_address_equal(&told[i].sight.client, &kClient));
    EXPECT_EQ(told[i].sight.at_ns, site.now_ns());
  }
  EXPECT_EQ(payload_of(told[0]), "up");
  EXPECT_EQ(payload_of(told[1]), "down");
  EXPECT_EQ(told[0].sight.flags, DAM_SIGHT_PROVEN | DAM_SIGHT_CAPTURED);
  EXPECT_EQ(told[1].sight.flags, DAM_SIGHT_PROVEN | DAM_SIGHT_CAPTURED | DAM_SIGHT_S2C);
  EXPECT_EQ(told[0].sight.interface, 0);
  EXPECT_EQ(told[1].sight.interface, 1);
}

TEST_F(Sights, a_handshake_is_captured_whole_though_answers_are_written_into_its_frames) {
  capture(site, all_packets());
  ASSERT_TRUE(establish(site, {}, "www.example.org"));
  const auto told = captured();
  ASSERT_EQ(told.size(), 3u);  // SYN, hello, and the server's SYN-ACK
  for (const Told& one : told) EXPECT_EQ(one.sight.reason, DAM_DROP_consumed);
  dam_packet first;
  ASSERT_EQ(dam_parse(told[0].frame.data(), told[0].frame.data() + told[0].frame.size(), &first),
            DAM_DROP_none);
  EXPECT_EQ(first.tcp_flags, DAM_TCP_SYN);
  EXPECT_TRUE(dam_address_equal(&first.src, &kClient));
  EXPECT_EQ(told[0].sight.flags & DAM_SIGHT_PROVEN, 0) << "a SYN proves nothing";
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const Told& one) {
    return payload_of(one) == client_hello("www.example.org");
  }));
}

TEST_F(Sights, a_refusal_names_its_reason_and_zone) {
  limit(DAM_DIM_packets, 3);
  const Connection c = stand(site).value();
  dam_capture wanted = all_packets();
  wanted.passed = 0;
  capture(site, wanted);
  for (int i = 0; i < 20; ++i) site.send(kFrontPort, c.client.segment(kAck, "x"));
  const auto told = captured();
  ASSERT_EQ(told.size(), site.drops(DAM_DROP_source_packets));
  ASSERT_GT(told.size(), 10u);
  for (const Told& one : told) {
    EXPECT_EQ(one.sight.reason, DAM_DROP_source_packets);
    EXPECT_EQ(one.sight.zone, kServiceZone);
    EXPECT_NE(one.sight.flags & DAM_SIGHT_PROVEN, 0);
    EXPECT_EQ(payload_of(one), "x");
  }
}

TEST_F(Sights, a_hello_that_its_zone_refuses_is_captured_with_the_refusals_reason) {
  limit(DAM_DIM_connections, 1);
  ASSERT_TRUE(stand(site));
  dam_capture wanted = all_packets();
  wanted.passed = 0;
  capture(site, wanted);
  ClientSide second;
  second.port = 40001;
  ASSERT_TRUE(prove(site, second));
  site.send(kFrontPort, second.segment(kAck, client_hello("www.example.org")));
  const auto told = captured();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sight.reason, DAM_DROP_source_connections);
  EXPECT_EQ(payload_of(told[0]), client_hello("www.example.org"));
}

TEST_F(Sights, a_capture_keeps_to_its_filter_and_its_length) {
  const Connection c = stand(site).value();
  dam_capture wanted = all_packets();
  wanted.client = kClient;
  for (uint32_t& word : wanted.mask.word) word = 0xffffffff;
  wanted.snap_bytes = 60;
  capture(site, wanted);
  ClientSide other;
  other.address = kStranger;
  ASSERT_TRUE(prove(site, other));
  site.send(kFrontPort, c.client.segment(kAck, std::string(500, 'x')));
  const auto told = captured();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].frame.size(), 60u);
  EXPECT_GT(told[0].sight.frame_bytes, 500u);
  wanted = all_packets();
  wanted.zone = kManagementZone;
  capture(site, wanted);
  site.send(kFrontPort, c.client.segment(kAck, "x"));
  EXPECT_TRUE(captured().empty());
  wanted = all_packets();
  wanted.reason = DAM_DROP_out_of_window;
  capture(site, wanted);
  site.send(kFrontPort, c.client.segment(kAck, "x"));
  Segment far = c.client.segment(kAck, "far");
  far.seq = dam_seq_add(far.seq, 0x40000000);
  site.send(kFrontPort, far);
  ASSERT_EQ(captured().size(), 1u);
}

TEST_F(Sights, a_capture_that_has_ended_hears_of_nothing) {
  const Connection c = stand(site).value();
  capture(site, all_packets());
  capture(site, {});
  for (int i = 0; i < 200; ++i) site.send(kFrontPort, c.client.segment(kAck, "x"));
  EXPECT_TRUE(captured().empty());
}

TEST_F(Sights, what_passes_is_sampled_and_the_sample_stands_for_all) {
  const Connection c = stand(site).value();
  take(site);
  constexpr int kSent = 20'000;
  uint64_t stands_for = 0, told = 0;
  for (int i = 0; i < kSent; ++i) {
    site.send(kFrontPort, c.client.segment(kAck, "x"));
    if (i % 1000 != 0) continue;
    for (const Told& one : take(site)) {
      stands_for += one.sight.weight;
      ++told;
      EXPECT_EQ(one.frame.size(), 0u);
    }
  }
  EXPECT_LT(told, kSent / 40u);
  const double five_sigma = 5 * std::sqrt(double{kSent} * kEvery);
  EXPECT_NEAR(static_cast<double>(stands_for), kSent, five_sigma);
}

TEST_F(Sights, a_lone_macros_refusals_are_all_told_and_a_floods_sampled) {
  limit(DAM_DIM_packets, 1);
  const Connection c = stand(site).value();
  site.advance(200 * kMillisecond);
  take(site);
  for (int i = 0; i < 30; ++i) site.send(kFrontPort, c.client.segment(kAck, "x"));
  uint64_t told = 0;
  for (const Told& one : take(site))
    told += dam_is_refusal(one.sight.reason) ? one.sight.weight : 0;
  EXPECT_GE(told, 28u);
  EXPECT_LE(told, 30u);
  site.advance(200 * kMillisecond);
  take(site);
  const uint64_t before = site.drops(DAM_DROP_source_packets);
  uint64_t sights = 0;
  for (int i = 0; i < 5'000; ++i) site.send(kFrontPort, c.client.segment(kAck, "x"));
  told = 0;
  for (const Told& one : take(site)) {
    if (!dam_is_refusal(one.sight.reason)) continue;
    told += one.sight.weight;
    ++sights;
  }
  EXPECT_LT(sights, 400u);
  const double refused = static_cast<double>(site.drops(DAM_DROP_source_packets) - before);
  EXPECT_NEAR(static_cast<double>(told), refused, 5 * std::sqrt(refused * kEvery));
}

TEST_F(Sights, each_connection_that_opens_is_told) {
  take(site);
  ASSERT_TRUE(stand(site));
  auto told = take(site);
  std::erase_if(told, [](const Told& one) { return (one.sight.flags & DAM_SIGHT_OPENED) == 0; });
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sight.weight, 1u);
  EXPECT_EQ(told[0].sight.zone, kServiceZone);
  EXPECT_TRUE(dam_address_equal(&told[0].sight.client, &kClient));
}

TEST_F(Sights, who_does_not_listen_costs_no_packet) {
  const Connection c = stand(site).value();
  capture(site, all_packets());
  const std::string large(1000, 'x');
  for (int i = 0; i < 3'000; ++i) {  // three times what the rings hold
    ASSERT_FALSE(site.send(kFrontPort, c.client.segment(kAck, large)).empty());
  }
  const auto told = captured();
  EXPECT_GT(told.size(), 300u);
  EXPECT_LT(told.size(), 3'000u);
  for (const Told& one : told) EXPECT_EQ(payload_of(one), large);
}

}  // namespace
}  // namespace dam::test

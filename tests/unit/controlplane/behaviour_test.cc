// SPDX-License-Identifier: BSD-3-Clause
// What sources do becomes numbers: of each kind of sign, bounded, and without administrators.
#include "controlplane/lookalikes/accumulators.h"
#include "controlplane/lookalikes/hello_features.h"
#include "controlplane/lookalikes/shared_features.h"
#include "controlplane/policy/subnet.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr int64_t kBegun_ms = 1'700'000'040'000;  // a window's own
constexpr int64_t kWindow_ms = 60'000;
constexpr char kCurlsFingerprint[] = "t13d3113h2_e8f1e7e78f70_375ca2c5e164";

struct BehaviourTest : testing::Test {
  Accumulators accumulators;
  std::shared_ptr<const Policy> policy;

  BehaviourTest() { use("lookalikes: {sources: 16}\nadmin: [203.0.113.50]\n"); }

  void use(const std::string& more) {
    const auto load = load_policy(std::string(kSamplePolicy) + more, "dam.yaml", ".");
    ASSERT_TRUE(load.policy);
    policy = std::make_shared<const Policy>(*load.policy);
    accumulators.set_policy(policy);
  }
  static v1::EndedConnection of(const std::string& client, int64_t begun_ms, int64_t lasted_ms) {
    v1::EndedConnection one;
    one.set_client(client);
    one.set_client_port(static_cast<uint32_t>(begun_ms % 60'000));
    one.set_zone("light");
    one.set_ended_unix_ns(static_cast<uint64_t>(begun_ms + lasted_ms) * 1'000'000);
    one.set_lasted_ns(static_cast<uint64_t>(lasted_ms) * 1'000'000);
    one.set_bytes_up(700);
    one.set_bytes_down(4000);
    one.set_end("closed");
    one.set_stands_for(1);
    one.set_ja4(kCurlsFingerprint);
    return one;
  }
  void take(const v1::EndedConnection& one) {
    v1::Log log;
    *log.add_connections() = one;
    accumulators.take(log, kBegun_ms + 1000);
  }
  void refuse(const std::string& client, uint64_t count, bool proven = true) {
    v1::Log log;
    v1::Refusals& one = *log.add_refusals();
    one.set_client(client);
    one.set_zone("light");
    one.set_count(count);
    one.set_proven(proven);
    accumulators.take(log, kBegun_ms + 1000);
  }
  void tell(const std::string& client, int64_t at_ms, const std::string& path,
            uint16_t status = 200, const std::string& server = "web") {
    accumulators.take(server, Signal{*parse_address(client), status, path}, at_ms);
  }
  void every(const std::string& client, int64_t gap_ms) {
    for (int64_t at = 0; at < kWindow_ms; at += gap_ms) take(of(client, kBegun_ms + at, 40));
  }
  static v1::Flow open_flow(uint32_t port, uint32_t requests = 0) {
    v1::Flow flow;
    write_subnet(*parse_network("198.51.100.7"), *flow.mutable_client());
    flow.set_client_port(port);
    flow.set_zone("light");
    flow.set_ja4(kCurlsFingerprint);
    if (requests != 0) flow.mutable_requests()->set_count(requests);
    return flow;
  }
  void look_at(const std::vector<v1::Flow>& flows) {
    accumulators.flows(flows, kBegun_ms + 59'000);
  }
  BehaviourRows end() { return accumulators.end_window(kBegun_ms + kWindow_ms); }
  // The only row, and its feature in words.
  std::string only(Feature feature) {
    const auto rows = end();
    EXPECT_EQ(rows.size(), 1u);
    return rows.empty() ? "" : text(rows[0], feature);
  }
  static std::string text(const BehaviourRow& row, Feature feature) {
    const auto i = static_cast<size_t>(feature);
    return feature_text(kFeatures[i], row.behaviour[i]);
  }
};

TEST_F(BehaviourTest, numbers_are_held_in_their_bounds_and_come_back_in_words) {
  for (const FeatureRow& row : kFeatures) {
    EXPECT_FLOAT_EQ(squashed(row, row.least), 0) << row.name;
    EXPECT_FLOAT_EQ(squashed(row, row.most), 1) << row.name;
    EXPECT_FLOAT_EQ(squashed(row, -1e9), 0) << row.name;
    EXPECT_FLOAT_EQ(squashed(row, 1e12), 1) << row.name;
    EXPECT_FLOAT_EQ(squashed(row, kNoValue), kAbsentFeature) << row.name;
    EXPECT_LT(row.least, row.most) << row.name;
  }
  const FeatureRow& gap = kFeatures[static_cast<size_t>(Feature::request_gap)];
  EXPECT_EQ(feature_text(gap, squashed(gap, 120)), "120 ms");
}

TEST_F(BehaviourTest, a_clock_is_known_by_its_gap_and_its_lack_of_jitter) {
  every("198.51.100.7", 2000);
  const auto rows = end();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].source.text(), "198.51.100.7/32");
  EXPECT_EQ(rows[0].begun_unix_s, kBegun_ms / 1000);
  EXPECT_EQ(rows[0].connections, 30u);
  EXPECT_EQ(text(rows[0], Feature::connection_gap), "2000 ms");
  EXPECT_EQ(text(rows[0], Feature::connection_jitter), "0 of the gap");
  EXPECT_EQ(text(rows[0], Feature::connections), "30 a minute");
  EXPECT_EQ(text(rows[0], Feature::duration), "40 ms");
  EXPECT_EQ(text(rows[0], Feature::bytes_down), "4000 bytes");
  EXPECT_EQ(text(rows[0], Feature::active), "1");
  EXPECT_EQ(text(rows[0], Feature::hello_ciphers), "31 ciphers");
  EXPECT_EQ(text(rows[0], Feature::hello_version), "13");
  EXPECT_TRUE(end().empty()) << "another window begins from nothing";
}

TEST_F(BehaviourTest, the_same_program_at_two_addresses_is_nearer_than_another_program) {
  every("198.51.100.7", 2000);
  every("198.51.100.8", 2100);
  for (int64_t at : {0, 40, 90, 200, 31'000, 31'050}) {
    auto one = of("198.51.100.9", kBegun_ms + at, 20'000 + at);
    one.set_ja4("t13d1516h2_8daaf6152771_e5627efa2ab1");
    one.set_bytes_down(900'000);
    take(one);
  }
  const auto rows = end();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_LT(distance_between(rows[0].behaviour, rows[1].behaviour), 0.02);
  EXPECT_GT(distance_between(rows[0].behaviour, rows[2].behaviour), 0.15);
}

TEST_F(BehaviourTest, servers_words_count_with_their_paths_and_statuses) {
  for (int i = 0; i < 10; ++i) tell("198.51.100.7", kBegun_ms + i * 1000, "/login", 401);
  for (int i = 0; i < 5; ++i)
    tell("198.51.100.8", kBegun_ms + i * i * 1000, "/a/" + std::to_string(i));
  const auto rows = end();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(text(rows[0], Feature::told_failed), "1");
  EXPECT_EQ(text(rows[0], Feature::told_gap), "1000 ms");
  EXPECT_EQ(text(rows[0], Feature::told_jitter), "0 of the gap");
  EXPECT_EQ(text(rows[0], Feature::paths), "0.1");
  EXPECT_EQ(text(rows[0], Feature::path_depth), "1 parts");
  EXPECT_EQ(text(rows[1], Feature::paths), "1");
  EXPECT_EQ(text(rows[1], Feature::told_failed), "0");
}

TEST_F(BehaviourTest, refusals_count_where_the_source_is_proven_and_make_nobody_known_alone) {
  every("198.51.100.7", 10'000);
  refuse("198.51.100.7", 2);
  refuse("198.51.100.7", 1000, false);
  refuse("198.51.100.8", 1000);
  EXPECT_EQ(only(Feature::refused), "0.25");
}

TEST_F(BehaviourTest, who_does_little_is_given_ten_windows) {
  take(of("198.51.100.7", kBegun_ms, 50));
  EXPECT_TRUE(end().empty());
  take(of("198.51.100.7", kBegun_ms + 70'000, 50));
  take(of("198.51.100.7", kBegun_ms + 80'000, 50));
  const auto rows = accumulators.end_window(kBegun_ms + 2 * kWindow_ms);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(text(rows[0], Feature::connections), "1.5 a minute");
  take(of("198.51.100.8", kBegun_ms, 50));
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(end().empty());
  EXPECT_EQ(accumulators.counts().sources, 1u);
  EXPECT_TRUE(end().empty());
  EXPECT_EQ(accumulators.counts().sources, 0u) << "forgotten, after ten";
}

TEST_F(BehaviourTest, administrators_management_and_the_sites_own_are_not_looked_at) {
  every("203.0.113.50", 1000);
  every("198.18.1.10", 1000);
  auto one = of("198.51.100.7", kBegun_ms, 50);
  one.set_zone("admin");
  take(one);
  EXPECT_EQ(accumulators.counts().sources, 0u);
  every("203.0.113.51", 1000);
  use("lookalikes: {}\nadmin: [203.0.113.0/24]\n");
  EXPECT_EQ(accumulators.counts().sources, 0u) << "who is on the list since is forgotten";
}

TEST_F(BehaviourTest, sources_beyond_the_most_are_counted_and_leave_room_when_they_end) {
  for (int i = 11; i <= 30; ++i) every("198.51.100." + std::to_string(i), 20'000);
  EXPECT_EQ(accumulators.counts().sources, 16u);
  EXPECT_EQ(accumulators.counts().refused, 4u * 3);
  EXPECT_EQ(end().size(), 16u);
  every("198.51.100.30", 20'000);
  EXPECT_EQ(end().size(), 1u);
}

TEST_F(BehaviourTest, without_the_policys_word_nothing_is_kept) {
  every("198.51.100.7", 1000);
  use("");
  every("198.51.100.7", 1000);
  EXPECT_EQ(accumulators.counts().sources, 0u);
  EXPECT_TRUE(end().empty());
}

TEST_F(BehaviourTest, forgetting_takes_a_source_and_whatever_lies_in_a_network) {
  every("198.51.100.7", 1000);
  every("198.51.100.8", 1000);
  every("2001:db8:9::1", 1000);
  EXPECT_EQ(accumulators.forget(*parse_network("198.51.100.7")), 1u);
  EXPECT_EQ(accumulators.forget(*parse_network("198.51.100.7")), 0u);
  EXPECT_EQ(accumulators.forget(*parse_network("2001:db8:9::/48")), 1u);
  every("2001:db8:9::1", 1000);
  EXPECT_EQ(accumulators.forget(*parse_network("2001:db8:9:1::/64")), 0u);
  EXPECT_EQ(accumulators.forget(*parse_network("2001:db8:9::/80")), 1u) << "it is part of a source";
  ASSERT_EQ(end().size(), 1u);
  look_at({open_flow(1, 5)});
  end();
  accumulators.forget(*parse_network("198.51.100.0/24"));
  look_at({open_flow(1, 5)});
  EXPECT_EQ(end().at(0).requests, 5u) << "nor is it known what was counted of its connections";
}

TEST_F(BehaviourTest, requests_of_open_connections_have_their_rhythm) {
  v1::Flow flow;
  EXPECT_EQ(rhythm_of(flow).requests, 0u) << "its zone counts none";
  flow.mutable_requests()->set_count(7);
  flow.mutable_requests()->set_gap_ms(250);
  flow.mutable_requests()->set_gap_deviation_ms(25);
  flow.mutable_requests()->set_first_bytes(900);
  const FlowRhythm rhythm = rhythm_of(flow);
  EXPECT_EQ(rhythm.requests, 7u);
  Activity activity(kBegun_ms, kWindow_ms);
  activity.flow(rhythm, kCurlsFingerprint);
  EXPECT_TRUE(activity.is_over());
  auto values = activity.values(kBegun_ms + kWindow_ms);
  EXPECT_DOUBLE_EQ(at(values, Feature::requests), 7);
  EXPECT_DOUBLE_EQ(at(values, Feature::request_gap), 250);
  EXPECT_DOUBLE_EQ(at(values, Feature::request_jitter), 0.1);
  EXPECT_DOUBLE_EQ(at(values, Feature::request_bytes), 900);
  EXPECT_DOUBLE_EQ(at(values, Feature::requests_per_connection), 7);
  EXPECT_DOUBLE_EQ(at(values, Feature::open), 1);
}

TEST_F(BehaviourTest, open_connections_are_known_at_the_windows_end) {
  look_at({open_flow(1), open_flow(2), open_flow(3), open_flow(4)});
  EXPECT_EQ(only(Feature::open), "4 connections");
}

TEST_F(BehaviourTest, requests_count_once_however_the_looks_at_connections_go) {
  look_at({open_flow(1, 5)});
  EXPECT_EQ(end().at(0).requests, 5u);
  end();  // the dataplane did not answer: nobody has looked
  look_at({open_flow(1, 8)});
  EXPECT_EQ(end().at(0).requests, 3u);
  // It ended before the next look, and the log tells of it after that.
  look_at({});
  auto one = of("198.51.100.7", kBegun_ms, 40);
  one.set_client_port(1);
  one.mutable_requests()->set_count(12);
  take(one);
  EXPECT_EQ(end().at(0).requests, 4u);
}

TEST_F(BehaviourTest, what_servers_of_management_tell_is_of_management) {
  for (const char* server : {"back-office", "198.18.1.11", "2001:DB8:2::11"}) {
    tell("198.51.100.7", kBegun_ms, "/login", 401, server);
  }
  EXPECT_EQ(accumulators.counts().sources, 0u);
  for (const char* server : {"198.18.2.11", "shop"}) {  // with another address of its, or a token
    tell("198.51.100.7", kBegun_ms, "/login", 401, server);
  }
  EXPECT_EQ(accumulators.counts().sources, 0u) << "it could be management's";
  tell("198.51.100.7", kBegun_ms, "/login", 401, "198.18.1.10");
  EXPECT_EQ(accumulators.counts().sources, 1u);
}

TEST_F(BehaviourTest, where_there_is_no_management_whoever_may_send_signals_is_heard) {
  policy = std::make_shared<const Policy>(
      *load_policy(sample_with("{management: true}", "{}") + "lookalikes: {}\n", "dam.yaml", ".")
           .policy);
  accumulators.set_policy(policy);
  tell("198.51.100.7", kBegun_ms, "/login", 401, "shop");
  EXPECT_EQ(accumulators.counts().sources, 1u);
}

TEST(Features, the_written_list_is_what_vectors_are_made_of) {
  EXPECT_NE(
      file_text(source_root() / "controlplane/lookalikes/FEATURES.md").find(features_reference()),
      std::string::npos)
      << "put the output of `damctl features` into controlplane/lookalikes/FEATURES.md";
}

TEST(SharedFeatures, those_tell_most_in_which_both_are_near_and_far_from_others) {
  SimilarAnswer population;
  population.mean.fill(0.5F);
  population.deviation.fill(0.1F);
  Behaviour one, other;
  one.fill(0.5F);
  other.fill(0.5F);
  const auto set = [&](Feature feature, float a, float b) {
    one[static_cast<size_t>(feature)] = a;
    other[static_cast<size_t>(feature)] = b;
  };
  set(Feature::open, 0.9F, 0.88F);
  set(Feature::hello_1, 0.1F, 0.1F);
  set(Feature::duration, 0.9F, 0.1F);  // far from each other
  set(Feature::paths, 0.7F, 0.9F);     // no nearer to each other than to the mean
  population.deviation[static_cast<size_t>(Feature::zones)] = 0;
  set(Feature::zones, 0.2F, 0.2F);  // of which nobody knows another value
  EXPECT_EQ(shared_features(one, other, population, 5),
            (std::vector{Feature::hello_1, Feature::open}));
  EXPECT_EQ(shared_features(one, other, population, 1), std::vector{Feature::hello_1});
}

TEST(HelloFeatures, what_is_no_fingerprint_has_none) {
  EXPECT_FALSE(hello_features(""));
  EXPECT_FALSE(hello_features("t13dxx13h2_e8f1e7e78f70_375ca2c5e164"));
  const auto one = hello_features(kCurlsFingerprint);
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)[2], 13);
  EXPECT_EQ((*one)[3], 1);
  EXPECT_NE((*one)[4], (*one)[5]);
  EXPECT_EQ(*hello_features(kCurlsFingerprint), *one);
}

}  // namespace
}  // namespace dam::control

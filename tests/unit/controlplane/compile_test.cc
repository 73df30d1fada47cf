// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/compile.h"

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

Policy example() {
  Loaded loaded = load_policy_file(source_root() / "config/dam.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.text();
  return loaded.policy.value_or(Policy{});
}

TEST(Compile, the_example_has_neither_errors_nor_warnings_and_opens_its_interfaces) {
  const v1::Start start = compile_start(example());
  EXPECT_EQ(start.driver(), "auto");
  EXPECT_EQ(start.hugepages(), "auto");
  EXPECT_FALSE(start.xdp_beside_others());
  EXPECT_EQ(start.workers(), 1u);
  ASSERT_EQ(start.interfaces_size(), 3);
  const v1::Interface& front = start.interfaces(0);
  EXPECT_EQ(front.name(), "front");
  EXPECT_EQ(front.mtu(), 1500u);
  ASSERT_EQ(front.addresses_size(), 2);
  EXPECT_EQ(front.addresses(0).address(), std::string("\xc6\x33\x64\x02"));
  EXPECT_EQ(front.addresses(0).prefix_bits(), 24u);
  EXPECT_EQ(front.addresses(1).address().size(), 16u);
  ASSERT_EQ(front.gateways_size(), 2);
  EXPECT_EQ(front.gateways(0), std::string("\xc6\x33\x64\x01"));
  EXPECT_EQ(start.limits().flows(), 1'000'000u);
  EXPECT_EQ(start.limits().hold_bytes(), 64u << 20);
  EXPECT_EQ(start.limits().hello_bytes(), 16'384u);
}

TEST(Compile, the_example_gives_a_snapshot_with_everything_that_it_says) {
  const v1::Snapshot snapshot = compile_snapshot(example(), 7);
  EXPECT_EQ(snapshot.version(), 7u);
  EXPECT_EQ(snapshot.timeouts().idle(), 3'600'000'000'000u);
  EXPECT_EQ(snapshot.first_source_port(), 1024u);
  EXPECT_EQ(snapshot.last_source_port(), 32'767u);
  EXPECT_EQ(snapshot.management_share_percent(), 10u);
  EXPECT_EQ(snapshot.half_open_per_source(), 256u);
  ASSERT_EQ(snapshot.listeners_size(), 2);
  EXPECT_EQ(snapshot.listeners(1).protocol(), v1::HTTP);
  EXPECT_EQ(snapshot.listeners(0).addresses_size(), 2);
  EXPECT_EQ(snapshot.allow_size(), 2);
  EXPECT_EQ(snapshot.deny_size(), 1);
  EXPECT_EQ(snapshot.deny(0).prefix_bits(), 25u);
}

TEST(Compile, zones_carry_their_buckets_and_actions) {
  const v1::Snapshot snapshot = compile_snapshot(example(), 1);
  ASSERT_EQ(snapshot.zones_size(), 4);
  EXPECT_EQ(snapshot.zones(0).name(), "front");
  const v1::Zone& heavy = snapshot.zones(2);
  EXPECT_EQ(heavy.name(), "heavy");
  EXPECT_EQ(heavy.exceeded(), v1::BAN);
  EXPECT_EQ(heavy.ban_after(), 100u);
  EXPECT_EQ(heavy.ban_within_ns(), 10'000'000'000u);
  EXPECT_EQ(heavy.ban_for_ns(), 600'000'000'000u);
  EXPECT_DOUBLE_EQ(heavy.per_source().bytes_up().rate(), 1e6);
  EXPECT_EQ(heavy.per_source().bytes_up().burst(), 2'000'000u);
  EXPECT_EQ(heavy.per_source().concurrent(), 64u);
  EXPECT_DOUBLE_EQ(heavy.total().connections().rate(), 1000);
  EXPECT_DOUBLE_EQ(heavy.total().packets().rate(), 0);
  EXPECT_EQ(heavy.source_bits_v6(), 64u);
  EXPECT_FALSE(heavy.management());
  const v1::Zone& management = snapshot.zones(3);
  EXPECT_TRUE(management.management());
  EXPECT_EQ(management.exceeded(), v1::RESET);
}

TEST(Compile, servers_and_routes_keep_names_order_and_conditions) {
  const v1::Snapshot snapshot = compile_snapshot(example(), 1);
  ASSERT_EQ(snapshot.servers_size(), 4);
  const v1::Server& service = snapshot.servers(0);
  EXPECT_EQ(service.proxy(), v1::V2);
  EXPECT_TRUE(service.tlv_alpn());
  EXPECT_TRUE(service.tlv_authority());
  EXPECT_FALSE(service.tlv_crc32c());
  EXPECT_EQ(service.weight(), 1u);
  ASSERT_EQ(snapshot.routes_size(), 5);
  const v1::Route& api = snapshot.routes(1);
  EXPECT_EQ(api.listener(), "https");
  EXPECT_EQ(api.zone(), "heavy");
  ASSERT_EQ(api.server_names_size(), 2);
  EXPECT_EQ(api.server_names(1), "*.api.example.org");
  ASSERT_EQ(api.servers_size(), 1);
  EXPECT_EQ(api.servers(0), "service");
  EXPECT_EQ(snapshot.routes(3).path_prefix(), "/.well-known/acme-challenge/");
}

TEST(Compile, living_beside_others_is_told_to_the_dataplane) {
  const Loaded loaded = load_policy(
      sample_with("version: 1", "version: 1\nxdp: {beside_others: true}"), "dam.yaml", ".");
  ASSERT_TRUE(loaded.policy) << loaded.problems[0].text();
  EXPECT_TRUE(compile_start(*loaded.policy).xdp_beside_others());
}

TEST(Compile, the_rest_of_the_language_arrives_too) {
  const Loaded loaded = load_policy(
      sample_with(
          "{name: post, listener: mail, zone: light, server: web}",
          "{name: post, listener: mail, zone: light, servers: [web], fallback: back-office, "
          "sources: 203.0.113.0/24}\n"
          "  - {name: bare, listener: https, absent_server_name: true, alpn: [h2, "
          "http/1.1], ja4: ['*_8daaf6152771_*'], zone: light, server: web}"),
      "dam.yaml", ".");
  ASSERT_TRUE(loaded.policy) << loaded.problems[0].text();
  const v1::Snapshot snapshot = compile_snapshot(*loaded.policy, 1);
  EXPECT_EQ(snapshot.routes(3).fallback(), "back-office");
  EXPECT_EQ(snapshot.routes(3).sources(0).prefix_bits(), 24u);
  EXPECT_EQ(snapshot.listeners(2).protocol(), v1::TCP);
  EXPECT_TRUE(snapshot.routes(4).absent_name());
  EXPECT_EQ(snapshot.routes(4).alpn_size(), 2);
  EXPECT_EQ(snapshot.routes(4).ja4(0), "*_8daaf6152771_*");
}

}  // namespace
}  // namespace dam::control

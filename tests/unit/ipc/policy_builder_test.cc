// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/policy_builder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "dataplane/ipc/policy_checks.h"
#include "tests/unit/ipc/example_policy.h"

namespace dam {
namespace {

struct PolicyRow {
  const char* says;  // the whole sentence that is expected
  std::function<void(v1::Snapshot&)> breaks;
};

const PolicyRow kPolicyRows[] = {
    {"Zone \"\": a name has 1 to 63 printable characters without blanks.",
     [](auto& s) { s.mutable_zones(0)->set_name(""); }},
    {"Zone \"two words\": a name has 1 to 63 printable characters without blanks.",
     [](auto& s) { s.mutable_zones(0)->set_name("two words"); }},
    {"Zone \"pages\" is there twice.", [](auto& s) { s.add_zones()->set_name("pages"); }},
    {"Zone \"pages\": unknown mode.",
     [](auto& s) { s.mutable_zones(0)->set_mode(static_cast<v1::Mode>(9)); }},
    {"Zone \"pages\": unknown action.",
     [](auto& s) { s.mutable_zones(0)->set_exceeded(static_cast<v1::Exceeded>(9)); }},
    {"Zone \"pages\": a source has at most 32 (IPv4) or 128 (IPv6) bits.",
     [](auto& s) { s.mutable_zones(0)->set_source_bits_v4(33); }},
    {"Zone \"pages\": a source has at most 32 (IPv4) or 128 (IPv6) bits.",
     [](auto& s) { s.mutable_zones(0)->set_source_bits_v6(129); }},
    {"Zone \"pages\" per source packets: a rate is 0 (no limit) or lies between 0.001 and 1e12 a "
     "second.",
     [](auto& s) { s.mutable_zones(0)->mutable_per_source()->mutable_packets()->set_rate(NAN); }},
    {"Zone \"pages\" total connections: a rate is 0 (no limit) or lies between 0.001 and 1e12 a "
     "second.",
     [](auto& s) { s.mutable_zones(0)->mutable_total()->mutable_connections()->set_rate(-1); }},
    {"Zone \"pages\" per source packets: a burst without a rate.",
     [](auto& s) { s.mutable_zones(0)->mutable_per_source()->mutable_packets()->set_burst(5); }},
    {"Zone \"pages\" per source bytes_up: a burst below 1600 bytes lets no whole packet pass.",
     [](auto& s) { s.mutable_zones(0)->mutable_per_source()->mutable_bytes_up()->set_rate(1e6); }},
    {"Zone \"pages\": a ban needs ban_after, ban_within and ban_for, all above 0.",
     [](auto& s) { s.mutable_zones(0)->set_exceeded(v1::BAN); }},
    {"Server \"service\" is there twice.", [](auto& s) { add_server(s, "service", "198.18.1.3"); }},
    {"Server \"service\": a port lies between 1 and 65535.",
     [](auto& s) { s.mutable_servers(0)->set_port(0); }},
    {"Server \"service\": a port lies between 1 and 65535.",
     [](auto& s) { s.mutable_servers(0)->set_port(65536); }},
    {"Server \"service\" has no address.",
     [](auto& s) { s.mutable_servers(0)->clear_addresses(); }},
    {"Server \"service\": an address of 5 bytes: IPv4 has 4, IPv6 has 16.",
     [](auto& s) { s.mutable_servers(0)->set_addresses(0, "12345"); }},
    {"Server \"service\": at most one IPv4 and one IPv6 address.",
     [](auto& s) { s.mutable_servers(0)->add_addresses(wire("198.18.1.3")); }},
    {"Server \"service\": unknown PROXY version.",
     [](auto& s) { s.mutable_servers(0)->set_proxy(static_cast<v1::ProxyVersion>(3)); }},
    {"Server \"service\": a weight is at most 65535.",
     [](auto& s) { s.mutable_servers(0)->set_weight(65536); }},
    {"Listener \"web\" is there twice.",
     [](auto& s) { add_listener(s, "web", "198.51.100.11", 443, v1::TLS); }},
    {"Listener \"other\": 198.51.100.10 port 443 belongs to listener \"web\" already.",
     [](auto& s) { add_listener(s, "other", "198.51.100.10", 443, v1::TLS); }},
    {"Listener \"web\" has no address.",
     [](auto& s) { s.mutable_listeners(0)->clear_addresses(); }},
    {"Listener \"web\": an address of 0 bytes: IPv4 has 4, IPv6 has 16.",
     [](auto& s) { s.mutable_listeners(0)->set_addresses(0, ""); }},
    {"Listener \"web\": a port lies between 1 and 65535.",
     [](auto& s) { s.mutable_listeners(0)->set_port(70000); }},
    {"Listener \"web\": unknown protocol.",
     [](auto& s) { s.mutable_listeners(0)->set_protocol(static_cast<v1::Protocol>(3)); }},
    {"Zone \"pages\": unknown key.",
     [](auto& s) { s.mutable_zones(0)->set_key(static_cast<v1::ZoneKey>(3)); }},
    {"Zone \"pages\" cannot ban: its key is no address.",
     [](auto& s) {
       v1::Zone& zone = *s.mutable_zones(0);
       zone.set_key(v1::JA4);
       zone.set_exceeded(v1::BAN);
       zone.set_ban_after(1);
       zone.set_ban_within_ns(1'000'000'000);
       zone.set_ban_for_ns(1'000'000'000);
     }},
    {"Zone \"front\" is charged before there is a fingerprint: its key is the address.",
     [](auto& s) {
       s.add_zones()->set_name("front");
       s.mutable_zones(s.zones_size() - 1)->set_key(v1::SOURCE_JA4);
     }},
    {"Route \"shop\" is there twice.",
     [](auto& s) { add_route(s, "shop", "web", "pages", "service", "b.example.org"); }},
    {"Route \"shop\": there is no zone \"attic\".",
     [](auto& s) { s.mutable_routes(0)->set_zone("attic"); }},
    {"Route \"shop\": there is no listener \"door\".",
     [](auto& s) { s.mutable_routes(0)->set_listener("door"); }},
    {"Route \"shop\": there is no server \"nobody\".",
     [](auto& s) { s.mutable_routes(0)->set_servers(0, "nobody"); }},
    {"Route \"shop\": there is no server \"nobody\" to fall back to.",
     [](auto& s) { s.mutable_routes(0)->set_fallback("nobody"); }},
    {"Route \"shop\" has no server.", [](auto& s) { s.mutable_routes(0)->clear_servers(); }},
    {"Route \"shop\": \"Shop.example.org\" is not a server name: lower case letters, digits, '-' "
     "and '.', with \"*.\" at most at the beginning.",
     [](auto& s) { s.mutable_routes(0)->set_server_names(0, "Shop.example.org"); }},
    {"Route \"shop\": \"shop.example.org.\" is not a server name: lower case letters, digits, '-' "
     "and '.', with \"*.\" at most at the beginning.",
     [](auto& s) { s.mutable_routes(0)->set_server_names(0, "shop.example.org."); }},
    {"Route \"shop\": \"a.*.org\" is not a server name: lower case letters, digits, '-' and '.', "
     "with \"*.\" at most at the beginning.",
     [](auto& s) { s.mutable_routes(0)->set_server_names(0, "a.*.org"); }},
    {"Route \"shop\" names no server name and does not take absent ones: it never holds.",
     [](auto& s) { s.mutable_routes(0)->clear_server_names(); }},
    {"Route \"shop\": only an http listener can read paths.",
     [](auto& s) { s.mutable_routes(0)->set_path_prefix("/api"); }},
    {"Route \"shop\": an ALPN name has 1 to 255 bytes.",
     [](auto& s) { s.mutable_routes(0)->add_alpn(""); }},
    {"Route \"shop\": \"t13d\" is no JA4 fingerprint.",
     [](auto& s) { s.mutable_routes(0)->add_ja4("t13d"); }},
    {"Route \"acme\": an http listener knows neither ALPN nor fingerprints.",
     [](auto& s) { s.mutable_routes(2)->add_ja4("*_*_*"); }},
    {"Route \"acme\": an http listener knows neither ALPN nor fingerprints.",
     [](auto& s) { s.mutable_routes(2)->add_alpn("h2"); }},
    {"Route \"acme\": a path prefix begins with '/' and holds printable characters.",
     [](auto& s) { s.mutable_routes(2)->set_path_prefix("api"); }},
    {"Route \"shell\": a tcp listener knows no server names, ALPN, fingerprints or paths.",
     [](auto& s) { s.mutable_routes(3)->add_server_names("a.example.org"); }},
    {"Route \"shop\" sources: 198.51.100.0/33: the prefix is longer than the address.",
     [](auto& s) { set_subnet(s.mutable_routes(0)->add_sources(), "198.51.100.0", 33); }},
    {"deny: an address of 3 bytes: IPv4 has 4, IPv6 has 16.",
     [](auto& s) { s.add_deny()->set_address("abc"); }},
    {"allow: 2001:db8::/129: the prefix is longer than the address.",
     [](auto& s) { set_subnet(s.add_allow(), "2001:db8::", 129); }},
    {"Timeout idle is longer than a year.",
     [](auto& s) { s.mutable_timeouts()->set_idle(UINT64_MAX); }},
    {"Source ports 5000 to 4000: a range within 1 to 65535 of at least 64 is needed.",
     [](auto& s) {
       s.set_first_source_port(5000);
       s.set_last_source_port(4000);
     }},
    {"The policy has version 0, which stands for none.", [](auto& s) { s.set_version(0); }},
    {"management_share_percent is 100; it lies between 1 and 90.",
     [](auto& s) { s.set_management_share_percent(100); }},
};

TEST(PolicyBuilder, builds_the_example) {
  const PolicyResult result = build_policy(example_policy(), Limits{}, nullptr);
  ASSERT_TRUE(result.errors.empty()) << result.errors[0];
  const Policy& policy = *result.policy;
  EXPECT_EQ(policy.version, 7u);
  ASSERT_EQ(policy.zones.size(), 3u);
  EXPECT_EQ(policy.zones[0].name, "front");
  EXPECT_TRUE(policy.zones[2].management);
  ASSERT_EQ(policy.listeners.size(), 3u);
  EXPECT_EQ(policy.listeners[1].protocol, Protocol::http);
  EXPECT_EQ(dam_ntoh16(policy.servers[1].port), 443);
  EXPECT_EQ(policy.routes[3].zone_slot, 2);

  RouteQuery query;
  query.listener_group = policy.listeners[0].group;
  query.server_name = "x.admin.example.org";
  query.source = address("203.0.113.9");
  EXPECT_EQ(policy.router.route(query), 1);
  EXPECT_EQ(policy.listeners[0].zone_mask, 0b110u);  // derived from the routes
}

TEST(PolicyBuilder, says_each_mistake_in_a_sentence_and_gives_no_policy) {
  for (const PolicyRow& row : kPolicyRows) {
    v1::Snapshot snapshot = example_policy();
    row.breaks(snapshot);
    const PolicyResult result = build_policy(snapshot, Limits{}, nullptr);
    EXPECT_EQ(result.policy, nullptr) << row.says;
    ASSERT_FALSE(result.errors.empty()) << row.says;
    EXPECT_EQ(result.errors[0], row.says);
  }
}

TEST(PolicyBuilder, says_all_mistakes_at_once) {
  v1::Snapshot snapshot = example_policy();
  snapshot.mutable_zones(0)->set_source_bits_v4(40);
  snapshot.mutable_servers(0)->set_port(0);
  snapshot.mutable_listeners(0)->set_port(0);
  snapshot.set_management_share_percent(99);
  EXPECT_EQ(build_policy(snapshot, Limits{}, nullptr).errors.size(), 4u);
}

TEST(PolicyBuilder, a_million_mistakes_are_bounded) {
  v1::Snapshot snapshot = example_policy();
  for (int i = 0; i < 1'000'000; ++i) snapshot.add_deny()->set_address("x");
  EXPECT_EQ(build_policy(snapshot, Limits{}, nullptr).errors.size(), 101u);
}

TEST(PolicyBuilder, refuses_more_zones_servers_and_routes_than_there_are_slots) {
  v1::Snapshot zones = example_policy();
  for (int i = 0; i < 62; ++i) zones.add_zones()->set_name("z" + std::to_string(i));
  EXPECT_EQ(build_policy(zones, Limits{}, nullptr).errors[0],
            "The policy has 65 zones; at most 64 are possible.");
  v1::Snapshot servers = example_policy();
  for (int i = 0; i < 255; ++i) add_server(servers, "s" + std::to_string(i), "198.18.1.9");
  EXPECT_EQ(build_policy(servers, Limits{}, nullptr).errors[0],
            "The policy has 257 servers; at most 256 are possible.");
  v1::Snapshot routes = example_policy();
  for (int i = 0; i < 4096; ++i) {
    add_route(routes, "r" + std::to_string(i), "web", "pages", "service", "a.example.org");
  }
  EXPECT_EQ(build_policy(routes, Limits{}, nullptr).errors[0],
            "The policy has 4100 routes; at most 4096 are possible.");
}

TEST(PolicyBuilder, what_stays_keeps_its_slot_and_what_goes_is_retired) {
  const auto first = build_policy(example_policy(), Limits{}, nullptr).policy;
  v1::Snapshot snapshot = example_policy();
  snapshot.clear_routes();
  snapshot.mutable_servers()->DeleteSubrange(0, 1);    // "service" goes
  snapshot.mutable_zones()->DeleteSubrange(0, 1);      // "pages" goes
  snapshot.mutable_listeners()->DeleteSubrange(0, 1);  // "web" goes
  add_server(snapshot, "new", "198.18.1.7");
  snapshot.add_zones()->set_name("api");
  const auto second = build_policy(snapshot, Limits{}, first.get()).policy;
  ASSERT_NE(second, nullptr);

  EXPECT_EQ(second->servers[0].name, "service");
  EXPECT_FALSE(second->servers[0].in_policy);
  EXPECT_EQ(second->servers[1].name, "management");
  EXPECT_TRUE(second->servers[1].in_policy);
  EXPECT_EQ(second->servers[2].name, "new");
  EXPECT_EQ(second->zones[1].name, "pages");
  EXPECT_FALSE(second->zones[1].in_policy);
  EXPECT_EQ(second->zones[2].name, "office");
  EXPECT_EQ(second->zones[3].name, "api");
  EXPECT_FALSE(second->listeners[0].in_policy);
  EXPECT_EQ(second->listeners[0].group, kRetiredGroup);
  EXPECT_EQ(dam_ntoh16(second->listeners[1].port), 80);

  const auto third = build_policy(example_policy(), Limits{}, second.get()).policy;
  ASSERT_NE(third, nullptr);  // and back again: everyone in the old place
  EXPECT_TRUE(third->servers[0].in_policy);
  EXPECT_TRUE(third->listeners[0].in_policy);
  EXPECT_TRUE(third->zones[1].in_policy);
  EXPECT_FALSE(third->servers[2].in_policy);
}

TEST(PolicyBuilder, a_server_that_moved_is_another_server) {
  const auto first = build_policy(example_policy(), Limits{}, nullptr).policy;
  v1::Snapshot snapshot = example_policy();
  snapshot.mutable_servers(0)->set_addresses(0, wire("198.18.1.99"));
  const auto second = build_policy(snapshot, Limits{}, first.get()).policy;
  ASSERT_EQ(second->servers.size(), 3u);
  EXPECT_FALSE(second->servers[0].in_policy);
  EXPECT_TRUE(dam_address_equal(&second->servers[0].address[0], &first->servers[0].address[0]));
  EXPECT_EQ(second->routes[0].server_slots[0], 2);
}

TEST(PolicyBuilder, a_zone_with_another_key_is_another_zone) {
  const auto first = build_policy(example_policy(), Limits{}, nullptr).policy;
  v1::Snapshot snapshot = example_policy();
  snapshot.mutable_zones(0)->set_key(v1::SOURCE_JA4);
  const auto second = build_policy(snapshot, Limits{}, first.get()).policy;
  ASSERT_EQ(second->zones.size(), first->zones.size() + 1);
  EXPECT_FALSE(second->zones[1].in_policy) << "for those who are in it";
  EXPECT_EQ(second->zones[1].key, ZoneKey::source);
  EXPECT_EQ(second->zones[3].name, "pages");
  EXPECT_EQ(second->zones[3].key, ZoneKey::source_ja4);
  EXPECT_EQ(second->routes[0].zone_slot, 3);
}

TEST(PolicyBuilder, retired_slots_are_used_again_only_when_none_is_left) {
  v1::Snapshot snapshot = example_policy();
  for (int i = 0; i < 61; ++i) snapshot.add_zones()->set_name("z" + std::to_string(i));
  const auto full = build_policy(snapshot, Limits{}, nullptr).policy;
  ASSERT_EQ(full->zones.size(), 64u);
  snapshot.mutable_zones(2 + 30)->set_name("fresh");  // instead of z30
  const auto next = build_policy(snapshot, Limits{}, full.get()).policy;
  ASSERT_NE(next, nullptr);
  ASSERT_EQ(next->zones.size(), 64u);
  EXPECT_EQ(next->zones[3 + 30].name, "fresh");
  EXPECT_EQ(next->zones[3 + 31].name, "z31");
  EXPECT_EQ(next->zones[0].name, "front");
}

TEST(PolicyBuilder, front_may_be_configured_and_stays_slot_0) {
  v1::Snapshot snapshot = example_policy();
  v1::Zone* front = snapshot.add_zones();
  front->set_name("front");
  front->mutable_per_source()->mutable_connections()->set_rate(10);
  front->mutable_per_source()->mutable_connections()->set_burst(20);
  const auto policy = build_policy(snapshot, Limits{}, nullptr).policy;
  ASSERT_EQ(policy->zones.size(), 3u);
  const dam_gcra_rate want = dam_gcra_rate_of(10'000, 20);
  EXPECT_EQ(policy->zones[0].per_source[DAM_DIM_connections].interval_q20, want.interval_q20);
  EXPECT_EQ(policy->zones[0].per_source[DAM_DIM_connections].tolerance_ns, want.tolerance_ns);
}

TEST(PolicyBuilder, sizes_come_from_the_start_and_zeros_mean_defaults) {
  Limits tables;
  tables.flows = 4096;
  tables.hello_bytes = 8192;
  v1::Snapshot snapshot = example_policy();
  snapshot.mutable_timeouts()->set_idle(5'000'000'000);
  const auto policy = build_policy(snapshot, tables, nullptr).policy;
  EXPECT_EQ(policy->limits.flows, 4096u);
  EXPECT_EQ(policy->limits.hello_bytes, 8192u);
  EXPECT_EQ(policy->limits.half_open_per_source, Limits{}.half_open_per_source);
  EXPECT_EQ(policy->timeouts.idle_ns, 5'000'000'000u);
  EXPECT_EQ(policy->timeouts.hello_ns, Timeouts{}.hello_ns);
  EXPECT_EQ(policy->source_ports.first, PortRange{}.first);
}

// ::/0 becomes 96 prefixes; a message has room for five million of it.
TEST(PolicyBuilder, what_is_there_again_and_again_takes_no_memory) {
  v1::Snapshot snapshot = example_policy();
  Errors errors;
  for (int i = 0; i < 1000; ++i) {
    set_subnet(snapshot.add_deny(), "::", 0);
    set_subnet(snapshot.add_deny(), "::", 80);
  }
  EXPECT_EQ(read_prefixes("deny", snapshot.deny(), errors).size(), 96u + 16u);
  EXPECT_TRUE(errors.empty());
}

TEST(PolicyBuilder, an_ipv6_prefix_never_covers_ipv4) {
  v1::Snapshot snapshot = example_policy();
  set_subnet(snapshot.add_deny(), "::", 0);
  set_subnet(snapshot.add_allow(), "0.0.0.0", 0);
  const auto policy = build_policy(snapshot, Limits{}, nullptr).policy;
  EXPECT_FALSE(policy->deny.contains(address("198.51.100.1")));
  for (const char* text : {"2001:db8::1", "::1", "::fffe:0:1", "::1:0:0:0", "ff02::1"}) {
    EXPECT_TRUE(policy->deny.contains(address(text))) << text;
    EXPECT_FALSE(policy->allow.contains(address(text))) << text;
  }
  EXPECT_TRUE(policy->allow.contains(address("203.0.113.255")));
}

}  // namespace
}  // namespace dam

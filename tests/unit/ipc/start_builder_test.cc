// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/start_builder.h"

#include <gtest/gtest.h>

#include <functional>

#include "dataplane/ipc/device_name.h"
#include "dataplane/ipc/start_digest.h"
#include "tests/unit/ipc/example_policy.h"

namespace dam {
namespace {

v1::Start example_start() {
  v1::Start start;
  start.set_driver("dpdk");
  start.set_workers(2);
  v1::Interface* front = start.add_interfaces();
  front->set_name("front");
  front->set_device("eth1");
  set_subnet(front->add_addresses(), "198.51.100.10", 24);
  front->add_gateways(wire("198.51.100.1"));
  v1::Interface* back = start.add_interfaces();
  back->set_name("back");
  back->set_device("eth2");
  back->set_vlan(7);
  back->set_mtu(1400);
  set_subnet(back->add_addresses(), "2001:db8:1::1", 64);
  return start;
}

struct StartRow {
  const char* says;
  std::function<void(v1::Start&)> breaks;
};

const StartRow kStartRows[] = {
    {"The driver is \"magic\"; it is \"auto\", \"dpdk\" or \"xdp\".",
     [](auto& s) { s.set_driver("magic"); }},
    {"At most 16 workers are possible.", [](auto& s) { s.set_workers(17); }},
    {"hugepages is \"many\"; it is \"auto\", \"on\" or \"off\".",
     [](auto& s) { s.set_hugepages("many"); }},
    {"There is no interface.", [](auto& s) { s.clear_interfaces(); }},
    {"Interface \"front\": a device has a name of 1 to 255 bytes.",
     [](auto& s) { s.mutable_interfaces(0)->clear_device(); }},
    {"Interface \"front\": \"net_pcap0\" is no virtual device that the dam opens: net_af_packet, "
     "net_af_xdp, net_memif, net_tap, net_ring or net_null.",
     [](auto& s) {
       s.mutable_interfaces(0)->set_device("net_pcap0,rx_iface=lo,tx_pcap=/root/written");
     }},
    {"Interface \"front\": a VLAN identifier is at most 4094.",
     [](auto& s) { s.mutable_interfaces(0)->set_vlan(4095); }},
    {"Interface \"front\": an MTU lies between 1280 and 1500.",
     [](auto& s) { s.mutable_interfaces(0)->set_mtu(9000); }},
    {"Interface \"front\" has no address.",
     [](auto& s) { s.mutable_interfaces(0)->clear_addresses(); }},
    {"Interface \"front\": an address has 4 (IPv4) or 16 (IPv6) bytes and a prefix that is no "
     "longer than it.",
     [](auto& s) { s.mutable_interfaces(0)->mutable_addresses(0)->set_prefix_bits(33); }},
    {"Interface \"front\": a gateway has 4 or 16 bytes.",
     [](auto& s) { s.mutable_interfaces(0)->set_gateways(0, "x"); }},
    {"Interface \"front\": at most one gateway for IPv4 and one for IPv6.",
     [](auto& s) { s.mutable_interfaces(0)->add_gateways(wire("198.51.100.2")); }},
    {"Interface \"front\": 4 queues for 2 workers; each worker has one queue of its own.",
     [](auto& s) { s.mutable_interfaces(0)->set_queues(4); }},
    {"Interface \"back\": its device and VLAN are taken.",
     [](auto& s) {
       s.mutable_interfaces(1)->set_device("eth1");
       s.mutable_interfaces(1)->set_vlan(0);
     }},
    {"Limit flows is 1; it lies between 64 and 67108864.",
     [](auto& s) { s.mutable_limits()->set_flows(1); }},
    {"Limit hello_bytes is 100; it lies between 512 and 65536.",
     [](auto& s) { s.mutable_limits()->set_hello_bytes(100); }},
    {"Limit hold_bytes is 1099511627776; it lies between 65536 and 4294967295.",
     [](auto& s) { s.mutable_limits()->set_hold_bytes(1ull << 40); }},
};

TEST(StartBuilder, the_longest_hello_comes_with_the_tables_that_hold_it) {
  v1::Start start = example_start();
  EXPECT_EQ(read_start(start).config->limits.hello_bytes, Limits{}.hello_bytes);
  start.mutable_limits()->set_hello_bytes(1024);
  EXPECT_EQ(read_start(start).config->limits.hello_bytes, 1024u);
}

TEST(StartBuilder, reads_the_example) {
  const StartResult result = read_start(example_start());
  ASSERT_TRUE(result.config.has_value()) << result.errors[0];
  const StartConfig& config = *result.config;
  ASSERT_EQ(config.interfaces.size(), 2u);
  EXPECT_EQ(config.interfaces[0].subnets[0].prefix_bits, 120);
  EXPECT_EQ(config.interfaces[0].vlan, static_cast<uint16_t>(DAM_VLAN_NONE));
  EXPECT_EQ(config.interfaces[1].vlan, 7);
  EXPECT_EQ(config.interfaces[1].port, 1);
  EXPECT_EQ(config.devices[1].mtu, 1400);
  EXPECT_EQ(config.devices[1].queues, 2u);
  EXPECT_EQ(config.limits.flows, Limits{}.flows);
}

TEST(StartBuilder, the_devices_are_the_dams_alone_unless_it_is_told_otherwise) {
  v1::Start start = example_start();
  EXPECT_FALSE(read_start(start).config->xdp_beside_others);
  start.set_xdp_beside_others(true);
  EXPECT_TRUE(read_start(start).config->xdp_beside_others);
}

TEST(StartBuilder, vlans_of_one_device_share_its_port) {
  v1::Start start = example_start();
  start.mutable_interfaces(1)->set_device("eth1");
  const StartResult result = read_start(start);
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->devices.size(), 1u);
  EXPECT_EQ(result.config->devices[0].mtu, 1500);
  EXPECT_EQ(result.config->interfaces[1].port, 0);
}

TEST(StartBuilder, says_each_mistake_in_a_sentence) {
  for (const StartRow& row : kStartRows) {
    v1::Start start = example_start();
    row.breaks(start);
    const StartResult result = read_start(start);
    EXPECT_FALSE(result.config.has_value()) << row.says;
    ASSERT_FALSE(result.errors.empty()) << row.says;
    EXPECT_EQ(result.errors[0], row.says);
  }
}

TEST(StartBuilder, takes_devices_that_move_packets_and_no_others) {
  for (const char* device :
       {"eth1", "enp1s0f0.100", "0000:01:00.0", "01:00.0", "net_af_packet_front,iface=front",
        "net_memif0,role=client,id=1,socket=/run/dam/memif.sock", "net_null0", "net_ring0",
        "net_af_xdp_1,iface=eth1,start_queue=2"}) {
    EXPECT_EQ(wrong_with_device(device), "") << device;
  }
  for (const char* device :
       {"", ".", "..", "../../etc/passwd", "eth0 eth1", "net_pcap0,tx_pcap=/x", "net_",
        "net_bonding0,member=x", "net_af_xdp0,iface=eth1,xdp_prog=/tmp/evil.o", "net_tap0,remote=x",
        "net_memif0,socket=/a b", "net_null0/../x", "class=eth/driver=net_pcap",
        "aninterfacewithalongname", "vdev:net_pcap0"}) {
    EXPECT_NE(wrong_with_device(device), "") << device;
  }
}

// Found by tests/fuzz/messages_fuzz.cc: the control plane could not read the answer.
TEST(StartBuilder, a_refusal_ends_between_two_characters) {
  std::string device = "x";
  for (int i = 0; i < 60; ++i) device += "\xc3\xa4";
  v1::Start start = example_start();
  start.mutable_interfaces(0)->set_device(device);
  v1::Reply reply, read;
  for (const std::string& error : read_start(start).errors) reply.add_errors(error);
  ASSERT_GT(reply.errors_size(), 0);
  EXPECT_TRUE(read.ParseFromString(reply.SerializeAsString()));
}

TEST(StartDigest, tells_configurations_apart) {
  v1::Start other = example_start();
  EXPECT_EQ(start_digest(example_start()), start_digest(other));
  other.set_workers(3);
  EXPECT_NE(start_digest(example_start()), start_digest(other));
}

}  // namespace
}  // namespace dam

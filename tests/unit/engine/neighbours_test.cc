// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/durations.h"
#include "tests/unit/engine/link_fixture.h"

namespace dam {
namespace {

const std::string kOther = "0200000000bb";

Interface outside() {
  Interface interface;
  interface.name = "outside";
  interface.mac = {2, 0, 0, 0, 0, 1};
  interface.subnets = {subnet_of("198.51.100.1", 24), subnet_of("2001:db8::1", 64)};
  interface.gateways = {address_of("198.51.100.254"), address_of("2001:db8::fe")};
  return interface;
}
Interface inside() {
  Interface interface;
  interface.name = "inside";
  interface.port = 1;
  interface.vlan = 7;
  interface.mac = {2, 0, 0, 0, 0, 2};
  interface.subnets = {subnet_of("203.0.113.1", 24), subnet_of("198.51.100.129", 26)};
  return interface;
}

uint64_t word_of(const std::string& mac) {
  uint64_t word = 0;
  std::memcpy(&word, from_hex(mac).data(), 6);
  return word | Neighbours::kKnown;
}

// Own addresses announced, gateways known: nothing more to say for a while.
struct Quiet {
  Quiet() {
    link.tick(neighbours, kSecond);
    link.receive(neighbours, arp(2, kPeer, "198.51.100.254", kOwn, "198.51.100.1"), kSecond);
    Icmp6 answer;
    answer.body = discovery_body(136, 0x60, "2001:db8::fe", 2);
    link.receive(neighbours, frame_of(answer), kSecond);
    link.sent();
  }
  Neighbours neighbours{{outside(), inside()}};
  Link link;
};

TEST(Neighbours, TheLongestSubnetDecidesElseTheGatewayOfTheFamily) {
  Neighbours neighbours({outside(), inside()});
  const auto hop = [&](const char* text) { return neighbours.next_hop(address_of(text)); };
  EXPECT_EQ(hop("198.51.100.7").interface, 0);
  EXPECT_EQ(hop("198.51.100.130").interface, 1) << "/26 wins over /24";
  EXPECT_EQ(Neighbours({inside(), outside()}).next_hop(address_of("198.51.100.130")).interface, 0);
  EXPECT_EQ(hop("203.0.113.9").interface, 1);
  EXPECT_EQ(hop("2001:db8::7").interface, 0);
  EXPECT_EQ(hop("198.18.0.1").neighbour, hop("198.51.100.254").neighbour);
  EXPECT_EQ(hop("198.18.0.1").interface, 0);
  EXPECT_EQ(hop("2001:db8:1::7").neighbour, hop("2001:db8::fe").neighbour);
  EXPECT_NE(hop("198.51.100.7").neighbour, hop("198.51.100.8").neighbour);
  EXPECT_EQ(hop("198.51.100.7").neighbour, hop("198.51.100.7").neighbour);
}

TEST(Neighbours, WhereTheHostResolvesNobodyIsAskedAndNothingAnnounced) {
  Neighbours neighbours({outside(), inside()});
  neighbours.leave_to_host(0);
  neighbours.next_hop(address_of("198.51.100.7"));
  neighbours.next_hop(address_of("203.0.113.9"));
  Link link;
  EXPECT_FALSE(link.tick(neighbours, kSecond).empty());
  EXPECT_EQ(std::set<uint8_t>(link.ports.begin(), link.ports.end()), std::set<uint8_t>{1});
  neighbours.leave_to_host(1);
  EXPECT_TRUE(link.tick(neighbours, 10 * kSecond).empty());
}

TEST(Neighbours, WithoutAGatewayThereIsNoWayOut) {
  Neighbours neighbours({inside()});
  EXPECT_FALSE(neighbours.next_hop(address_of("198.18.0.1")));
  EXPECT_FALSE(neighbours.next_hop(address_of("2001:db8::7")));
  EXPECT_TRUE(neighbours.next_hop(address_of("203.0.113.9")));
}

TEST(Neighbours, AnIpv4RouteNeverTakesAnIpv6Destination) {
  Interface everything;
  everything.subnets = {subnet_of("0.0.0.0", 0)};
  Neighbours neighbours({everything});
  EXPECT_TRUE(neighbours.next_hop(address_of("198.18.0.1")));
  EXPECT_FALSE(neighbours.next_hop(address_of("2001:db8::7")));
}

TEST(Neighbours, RefusesNewNeighboursWhenTheTableIsFullAndKeepsTheOldOnes) {
  Interface wide;
  wide.subnets = {subnet_of("198.18.0.1", 15)};
  Neighbours neighbours({wide});
  std::vector<uint16_t> ids;
  std::set<uint16_t> distinct;
  const auto number = [](uint32_t i) { return dam_address_v4(__builtin_bswap32(0xc6120000 + i)); };
  for (uint32_t i = 0; i < Neighbours::kCapacity; ++i) {
    ids.push_back(neighbours.next_hop(number(i)).neighbour);
    distinct.insert(ids.back());
  }
  EXPECT_EQ(distinct.size(), Neighbours::kCapacity);
  EXPECT_FALSE(distinct.contains(NextHop::kNone));
  EXPECT_EQ(neighbours.used(), Neighbours::kCapacity);
  EXPECT_FALSE(neighbours.next_hop(number(100'000)));
  for (uint32_t i = 0; i < Neighbours::kCapacity; ++i) {
    ASSERT_EQ(neighbours.next_hop(number(i)).neighbour, ids[i]);
  }
}

TEST(Neighbours, ClientsLeaveTheLastPlacesToThoseWhomThePolicyNames) {
  Interface wide;
  wide.subnets = {subnet_of("198.18.0.1", 15)};
  Neighbours neighbours({wide});
  const auto number = [](uint32_t i) { return dam_address_v4(__builtin_bswap32(0xc6120000 + i)); };
  uint32_t made = 0;
  while (neighbours.way_back(number(made))) ++made;
  EXPECT_EQ(made, Neighbours::kCapacity - Neighbours::kReserved);
  EXPECT_TRUE(neighbours.way_back(number(0))) << "who is known already";
  EXPECT_TRUE(neighbours.next_hop(number(100'000)));
}

// Whoever is kept is found again, by the same id: also where others lay before him.
TEST(Neighbours, OfATableFromBeforeNoneIsKeptButThoseInUse) {
  Interface wide;
  wide.subnets = {subnet_of("198.18.0.1", 15)};
  wide.gateways = {address_of("198.19.255.254")};
  std::vector<dam_neighbour> table(DAM_MAX_NEIGHBOURS);
  std::vector<uint64_t> macs(DAM_MAX_NEIGHBOURS);
  constexpr uint32_t kCount = 3800, kEach = 10;
  const auto number = [](uint32_t i) { return dam_address_v4(__builtin_bswap32(0xc6120002 + i)); };
  Neighbours::Kept kept;
  kept.ids.resize(DAM_MAX_NEIGHBOURS);
  kept.addresses = {number(5)};
  std::vector<uint16_t> ids;
  uint16_t gateway = 0;
  {
    Neighbours before({wide}, table, macs);
    gateway = before.next_hop(address_of("203.0.113.1")).neighbour;
    for (uint32_t i = 0; i < kCount; ++i) ids.push_back(before.next_hop(number(i)).neighbour);
    before.set_mac(0, address_of("198.19.255.254"), {2, 0, 0, 0, 0, 9});
  }
  for (uint32_t i = 0; i < kCount; i += kEach) kept.ids[ids[i]] = true;
  Neighbours after({wide}, table, macs, kept);
  EXPECT_EQ(after.used(), kCount / kEach + 2);
  EXPECT_EQ(after.next_hop(address_of("203.0.113.1")).neighbour, gateway);
  EXPECT_NE(after.mac_word(gateway), Neighbours::kUnknownMac);
  EXPECT_EQ(after.next_hop(number(5)).neighbour, ids[5]);
  for (uint32_t i = 0; i < kCount; i += kEach) {
    ASSERT_EQ(after.next_hop(number(i)).neighbour, ids[i]) << i;
    after.set_mac(0, number(i), {2, 0, 0, 0, 1, 9});
    ASSERT_NE(macs[ids[i]], Neighbours::kUnknownMac);
  }
  EXPECT_EQ(after.used(), kCount / kEach + 2);
}

// When questions left, in milliseconds from the beginning on; the slow ones wait for the next look
// at the table, every tenth of a second.
std::vector<uint64_t> asked_at(Neighbours& neighbours, Link& link, uint64_t from_ms, uint64_t to_ms,
                               uint16_t wanted = NextHop::kNone) {
  std::vector<uint64_t> times;
  for (uint64_t ms = from_ms; ms < to_ms; ms += 10) {
    if (wanted != NextHop::kNone) neighbours.mac_word(wanted);
    const size_t asked = link.tick(neighbours, 2 * kSecond + ms * kMillisecond).size();
    times.insert(times.end(), asked, ms / 50 * 50);
  }
  return times;
}

TEST(Neighbours, AsksAtOnceQuicklyAFewTimesThenEverySecondAsLongAsAPacketNeedsIt) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("203.0.113.9")).neighbour;
  EXPECT_EQ(q.neighbours.mac_word(id), Neighbours::kUnknownMac);
  const Bytes question =
      arp(1, "020000000002", "203.0.113.1", kNobody, "203.0.113.9", kAll, "81000007");
  q.link.ports.clear();
  EXPECT_EQ(q.link.tick(q.neighbours, 2 * kSecond), std::vector<Bytes>{question});
  EXPECT_EQ(q.link.ports, std::vector<uint8_t>{1});
  EXPECT_EQ(asked_at(q.neighbours, q.link, 10, 3000, id),
            (std::vector<uint64_t>{50, 150, 350, 750, 1750, 2750}));
  asked_at(q.neighbours, q.link, 3000, 4000);  // the last one that was wanted
  EXPECT_TRUE(asked_at(q.neighbours, q.link, 4000, 9000).empty()) << "no packet asked meanwhile";
}

TEST(Neighbours, WhomThePolicyNamesIsAskedForThoughNoPacketNeedsIt) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("203.0.113.9")).neighbour;
  q.neighbours.keep_asking(id);
  EXPECT_EQ(asked_at(q.neighbours, q.link, 0, 3000),
            (std::vector<uint64_t>{0, 50, 150, 350, 750, 1750, 2750}));
  // The gateways, of which Quiet knows, are confirmed meanwhile: their questions are not counted.
  const auto to_all = [&](uint64_t second) {
    const std::vector<Bytes> sent = q.link.tick(q.neighbours, second * kSecond);
    return std::count(
        sent.begin(), sent.end(),
        arp(1, "020000000002", "203.0.113.1", kNobody, "203.0.113.9", kAll, "81000007"));
  };
  for (uint64_t second = 6; second < 29; ++second) EXPECT_EQ(to_all(second), 1) << second;
  EXPECT_EQ(to_all(29), 0) << "nobody has waited for half a minute";
  EXPECT_EQ(to_all(58), 1) << "but it may come back";
  EXPECT_EQ(q.neighbours.mac_word(id), Neighbours::kUnknownMac);
  EXPECT_EQ(to_all(59), 1) << "a packet needs it: every second again";
  q.link.receive(
      q.neighbours,
      arp(2, kPeer, "203.0.113.9", "020000000002", "203.0.113.1", "020000000002", "81000007"),
      60 * kSecond, 1);
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer));
}

TEST(Neighbours, GatewaysAreNamed) {
  Neighbours neighbours({outside()});
  Link link;
  link.tick(neighbours, 2 * kSecond);
  EXPECT_EQ(asked_at(neighbours, link, 10, 400),
            (std::vector<uint64_t>{50, 50, 150, 150, 350, 350}))
      << "one of each family";
}

TEST(Neighbours, OneThatHasNeverAnsweredIsSilentAfterTheQuickRepeatsOnly) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("203.0.113.9")).neighbour;
  q.neighbours.keep_asking(id);
  asked_at(q.neighbours, q.link, 0, 1750);
  EXPECT_FALSE(q.neighbours.is_silent(id));
  asked_at(q.neighbours, q.link, 1750, 1760);
  EXPECT_TRUE(q.neighbours.is_silent(id));
}

TEST(Neighbours, AsksForAnIpv6NeighbourThroughItsSolicitedNodeGroup) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("2001:db8::12:3456")).neighbour;
  Icmp6 question;
  question.dst_mac = "3333ff123456";
  question.src_mac = kOwn;
  question.src = "2001:db8::1";
  question.dst = "ff02::1:ff12:3456";
  question.body = discovery_body(135, 0, "2001:db8::12:3456", 1, kOwn);
  EXPECT_EQ(q.link.tick(q.neighbours, 2 * kSecond), std::vector<Bytes>{frame_of(question)});
  Icmp6 answer;
  answer.src = "2001:db8::12:3456";
  answer.body = discovery_body(136, 0x60, "2001:db8::12:3456", 2);
  EXPECT_TRUE(q.link.receive(q.neighbours, frame_of(answer), 2 * kSecond));
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer));
}

TEST(Neighbours, ConfirmsAKnownAddressEveryThirtySecondsAndKeepsItThroughSilence) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("198.51.100.9")).neighbour;
  q.link.tick(q.neighbours, 2 * kSecond);
  ASSERT_TRUE(q.link.receive(q.neighbours, arp(2, kPeer, "198.51.100.9", kOwn, "198.51.100.1"),
                             3 * kSecond));
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer));
  const Bytes question = arp(1, kOwn, "198.51.100.1", kPeer, "198.51.100.9", kPeer);
  const auto asked_at = [&](uint64_t now_ns) {
    const std::vector<Bytes> sent = q.link.tick(q.neighbours, now_ns);
    return std::count(sent.begin(), sent.end(), question);
  };
  EXPECT_EQ(asked_at(33 * kSecond - kSecond / 8), 0);
  EXPECT_EQ(asked_at(33 * kSecond), 1);
  q.link.receive(q.neighbours, arp(2, kPeer, "198.51.100.9", kOwn, "198.51.100.1"), 33 * kSecond);
  EXPECT_EQ(asked_at(62 * kSecond), 0);
  for (uint64_t second = 63; second < 66; ++second) {
    EXPECT_EQ(asked_at(second * kSecond), 1) << second;
    EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer)) << "still in use while asking";
  }
  // From now on everybody is asked, at first every second.
  const Bytes to_all = arp(1, kOwn, "198.51.100.1", kNobody, "198.51.100.9", kAll);
  const auto all_asked_at = [&](uint64_t second) {
    const std::vector<Bytes> sent = q.link.tick(q.neighbours, second * kSecond);
    EXPECT_EQ(std::count(sent.begin(), sent.end(), question), 0);
    return std::count(sent.begin(), sent.end(), to_all);
  };
  EXPECT_TRUE(q.neighbours.is_silent(id));
  for (uint64_t second = 66; second < 93; ++second) EXPECT_EQ(all_asked_at(second), 1) << second;
  EXPECT_EQ(all_asked_at(93), 0) << "and then every 30 seconds";
  EXPECT_EQ(all_asked_at(122), 1);
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer)) << "packets go on";
  q.link.receive(q.neighbours, arp(2, kOther, "198.51.100.9", kOwn, "198.51.100.1"), 123 * kSecond);
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kOther));
  EXPECT_FALSE(q.neighbours.is_silent(id));
}

TEST(Neighbours, AMovedNeighbourIsFollowedAtOnce) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("198.18.0.1")).neighbour;
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer));
  // RFC 5227: the new owner of the address announces itself. The host may want to hear it as well.
  EXPECT_FALSE(q.link.receive(
      q.neighbours, arp(1, kOther, "198.51.100.254", kNobody, "198.51.100.254"), 2 * kSecond));
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kOther));
}

TEST(Neighbours, LearnsNothingThatNobodyAskedFor) {
  Quiet q;
  const uint32_t used = q.neighbours.used();
  EXPECT_FALSE(
      q.link.receive(q.neighbours, arp(2, kPeer, "198.51.100.66", kOwn, "198.51.100.1"), 0));
  EXPECT_EQ(q.neighbours.used(), used);
  const uint16_t id = q.neighbours.next_hop(address_of("198.51.100.66")).neighbour;
  EXPECT_EQ(q.neighbours.mac_word(id), Neighbours::kUnknownMac);
  for (const std::string mac : {"ffffffffffff", "010000000000", "000000000000"}) {
    q.link.receive(q.neighbours, arp(2, mac, "198.51.100.66", kOwn, "198.51.100.1"), kSecond);
    EXPECT_EQ(q.neighbours.mac_word(id), Neighbours::kUnknownMac) << mac;
  }
  q.link.receive(q.neighbours, arp(2, kPeer, "198.51.100.66", kOwn, "198.51.100.1"), kSecond, 1);
  EXPECT_EQ(q.neighbours.mac_word(id), Neighbours::kUnknownMac) << "heard on another link";
}

struct AdvertisementRow {
  const char* sentence;
  uint8_t flags, option;
  std::string mac, dst;
  uint8_t hop_limit;
  std::string expected;  // of a neighbour that is known as kPeer
};
const AdvertisementRow kAdvertisements[] = {
    {"with Override it replaces", 0x20, 2, kOther, "ff02::1", 255, kOther},
    {"without Override it does not (RFC 4861 7.2.5)", 0x40, 2, kOther, "2001:db8::1", 255, kPeer},
    {"from beyond the link it is void", 0x20, 2, kOther, "2001:db8::1", 254, kPeer},
    {"solicited, but to a group: void", 0x60, 2, kOther, "ff02::1", 255, kPeer},
    {"a group is nobody's link address", 0x20, 2, "330000000001", "2001:db8::1", 255, kPeer},
};
TEST(Neighbours, AdvertisementsChangeAKnownAddressByTheRules) {
  for (const AdvertisementRow& row : kAdvertisements) {
    Quiet q;
    const uint16_t id = q.neighbours.next_hop(address_of("2001:db8::fe")).neighbour;
    Icmp6 message;
    message.src = "2001:db8::fe";
    message.dst = row.dst;
    message.hop_limit = row.hop_limit;
    message.body = discovery_body(136, row.flags, "2001:db8::fe", row.option, row.mac);
    q.link.receive(q.neighbours, frame_of(message), 2 * kSecond);
    EXPECT_EQ(q.neighbours.mac_word(id), word_of(row.expected)) << row.sentence;
  }
}

TEST(Neighbours, AnAdvertisementWithAWrongChecksumIsVoid) {
  Quiet q;
  const uint16_t id = q.neighbours.next_hop(address_of("2001:db8::fe")).neighbour;
  Icmp6 message;
  message.body = discovery_body(136, 0x20, "2001:db8::fe", 2, kOther);
  Bytes frame = frame_of(message);
  frame[56] ^= 1;
  EXPECT_TRUE(q.link.receive(q.neighbours, frame, 2 * kSecond));
  EXPECT_EQ(q.neighbours.mac_word(id), word_of(kPeer));
}

TEST(Neighbours, AnnouncesOwnAddressesWhenTheyAreNewAndListenersWhereTheyLive) {
  Neighbours neighbours({outside(), inside()});
  Link link;
  const std::vector<Bytes> first = link.tick(neighbours, kSecond);
  const Bytes v4 = arp(1, kOwn, "198.51.100.1", kNobody, "198.51.100.1", kAll);
  Icmp6 v6;
  v6.dst_mac = "333300000001";
  v6.src_mac = kOwn;
  v6.src = "2001:db8::1";
  v6.dst = "ff02::1";
  v6.body = discovery_body(136, 0x20, "2001:db8::1", 2, kOwn);
  EXPECT_EQ(std::count(first.begin(), first.end(), v4), 1);
  EXPECT_EQ(std::count(first.begin(), first.end(), frame_of(v6)), 1);
  EXPECT_EQ(first.size(), 4u + 2u) << "four addresses, and questions for two gateways";
  EXPECT_TRUE(link.tick(neighbours, kSecond + 1).empty());
  neighbours.set_own({address_of("203.0.113.80")});
  const std::vector<Bytes> second = link.tick(neighbours, kSecond + 2);
  const Bytes listener =
      arp(1, "020000000002", "203.0.113.80", kNobody, "203.0.113.80", kAll, "81000007");
  EXPECT_EQ(std::count(second.begin(), second.end(), listener), 1);
  EXPECT_EQ(second.size(), 5u);
  neighbours.set_own({address_of("203.0.113.80")});
  EXPECT_TRUE(link.tick(neighbours, kSecond + 3).empty()) << "the same set is no news";
}

TEST(Neighbours, UsesNoMoreSparesThanItMayAndGoesOnNextTime) {
  Neighbours neighbours({outside()});
  std::vector<dam_address> listeners;
  for (uint32_t i = 2; i < 102; ++i) {
    listeners.push_back(dam_address_v4(__builtin_bswap32(0xc6336400 + i)));
  }
  neighbours.set_own(listeners);
  Link link(3);
  neighbours.tick(kSecond, link.output);
  EXPECT_EQ(link.sent().size(), 3u);
  EXPECT_EQ(link.output.spare.count, 0u);
  std::size_t sum = 3;
  for (uint64_t i = 1; i <= 10; ++i) {
    const std::size_t sent = link.tick(neighbours, kSecond + i * kMillisecond).size();
    EXPECT_LE(sent, Neighbours::kSparesATick);
    sum += sent;
  }
  EXPECT_EQ(sum, 102u + 2u) << "each address once, and two gateways";
}

TEST(Neighbours, WorkersThatAskForTheSameDestinationsAgreeOnTheIds) {
  Interface wide;
  wide.subnets = {subnet_of("198.18.0.1", 15)};
  constexpr uint32_t kThreads = 4, kAddresses = 3000;
  for (int round = 0; round < 20; ++round) {
    Neighbours neighbours({wide});
    std::vector<std::vector<uint16_t>> ids(kThreads, std::vector<uint16_t>(kAddresses));
    std::atomic<bool> done{false};
    std::jthread ticker([&] {
      Link link;
      for (uint64_t now_ns = kSecond; !done; now_ns += kSecond) link.tick(neighbours, now_ns);
    });
    {
      std::vector<std::jthread> threads;
      for (uint32_t me = 0; me < kThreads; ++me) {
        threads.emplace_back([&, me] {
          for (uint32_t i = 0; i < kAddresses; ++i) {
            const dam_address to = dam_address_v4(__builtin_bswap32(0xc6120002 + i));
            ids[me][i] = neighbours.next_hop(to).neighbour;
            // A slot that another is just writing may give none this time: the packet comes again.
            while (ids[me][i] == NextHop::kNone) {
              ids[me][i] = neighbours.next_hop(to).neighbour;
            }
            neighbours.mac_word(ids[me][i]);
          }
        });
      }
    }
    done = true;
    for (uint32_t me = 1; me < kThreads; ++me) ASSERT_EQ(ids[me], ids[0]);
    ASSERT_EQ(std::set<uint16_t>(ids[0].begin(), ids[0].end()).size(), kAddresses);
    ASSERT_EQ(neighbours.used(), kAddresses);
  }
}

}  // namespace
}  // namespace dam

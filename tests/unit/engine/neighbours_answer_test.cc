// SPDX-License-Identifier: BSD-3-Clause
// What the dam answers, byte by byte.
#include <gtest/gtest.h>

#include "tests/unit/durations.h"
#include "tests/unit/engine/link_fixture.h"

namespace dam {
namespace {

class Answers : public testing::Test {
 protected:
  static std::vector<Interface> interfaces() {
    Interface plain;
    plain.mac = {2, 0, 0, 0, 0, 1};
    plain.subnets = {subnet_of("198.51.100.1", 24), subnet_of("2001:db8::1", 64)};
    Interface tagged;
    tagged.vlan = 7;
    tagged.mac = {2, 0, 0, 0, 0, 2};
    tagged.subnets = {subnet_of("203.0.113.1", 24), subnet_of("2001:db8:7::1", 64)};
    return {plain, tagged};
  }
  Answers() {
    neighbours.set_own({address_of("198.18.0.80"), address_of("2001:db8:80::80")});
    for (uint64_t i = 1; i < 10; ++i) link.tick(neighbours, i * kSecond);
  }
  // The one answer; empty: the frame was swallowed or passed by.
  Bytes answer(const Bytes& question) {
    taken = link.receive(neighbours, question, 10 * kSecond);
    const std::vector<Bytes> sent = link.sent();
    EXPECT_EQ(sent.size() + link.dropped, taken ? 1u : 0u) << "in one list, exactly";
    EXPECT_FALSE(link.overrun);
    return sent.empty() ? Bytes{} : sent[0];
  }
  Neighbours neighbours{interfaces()};
  Link link;
  bool taken = false;
};

TEST_F(Answers, ArpForAnOwnAddress) {
  EXPECT_EQ(answer(arp(1, kPeer, "198.51.100.9", kNobody, "198.51.100.1")),
            arp(2, kOwn, "198.51.100.1", kPeer, "198.51.100.9", kPeer));
}
TEST_F(Answers, ArpForAListenersAddressOnAnyLink) {
  EXPECT_EQ(answer(arp(1, kPeer, "198.51.100.9", kNobody, "198.18.0.80")),
            arp(2, kOwn, "198.18.0.80", kPeer, "198.51.100.9", kPeer));
}
TEST_F(Answers, ArpWithTheVlanTagOfItsLink) {
  EXPECT_EQ(answer(arp(1, kPeer, "203.0.113.9", kNobody, "203.0.113.1", kAll, "81000007")),
            arp(2, "020000000002", "203.0.113.1", kPeer, "203.0.113.9", kPeer, "81000007"));
}
TEST_F(Answers, AnAddressProbeSoThatNobodyTakesOurs) {  // RFC 5227 2.1.1: from 0.0.0.0
  EXPECT_EQ(answer(arp(1, kPeer, "0.0.0.0", kNobody, "198.51.100.1")),
            arp(2, kOwn, "198.51.100.1", kPeer, "0.0.0.0", kPeer));
}
TEST_F(Answers, NoArpForOthers) {
  EXPECT_TRUE(answer(arp(1, kPeer, "198.51.100.9", kNobody, "198.51.100.2")).empty());
  EXPECT_FALSE(taken) << "the host may know";
  EXPECT_TRUE(answer(arp(1, kPeer, "198.51.100.9", kNobody, "203.0.113.1")).empty())
      << "an address of another link";
  EXPECT_TRUE(
      answer(arp(1, kPeer, "203.0.113.9", kNobody, "203.0.113.1", kAll, "81000008")).empty())
      << "another VLAN";
}
TEST_F(Answers, NoArpThatIsCutShortOrOfAnotherKind) {
  Bytes question = arp(1, kPeer, "198.51.100.9", kNobody, "198.51.100.1");
  question.resize(41);
  EXPECT_TRUE(answer(question).empty());
  question = arp(1, kPeer, "198.51.100.9", kNobody, "198.51.100.1");
  question[18] = 8;  // length of a link address
  EXPECT_TRUE(answer(question).empty());
}
TEST_F(Answers, NoQuestionThatClaimsToComeFromUs) {
  EXPECT_TRUE(answer(arp(1, kPeer, "198.51.100.1", kNobody, "198.51.100.1")).empty());
}

Icmp6 solicitation() {
  Icmp6 message;
  message.dst_mac = "3333ff000001";
  message.dst = "ff02::1:ff00:1";
  message.body = discovery_body(135, 0, "2001:db8::1", 1);
  return message;
}
Icmp6 advertisement() {
  Icmp6 message;
  message.dst_mac = kPeer;
  message.src_mac = kOwn;
  message.src = "2001:db8::1";
  message.dst = "2001:db8::a";
  message.body = discovery_body(136, 0x60, "2001:db8::1", 2, kOwn);
  return message;
}

TEST_F(Answers, NeighbourSolicitationForAnOwnAddress) {
  EXPECT_EQ(answer(frame_of(solicitation())), frame_of(advertisement()));
}
TEST_F(Answers, ASolicitationWithoutAnOptionToItsSender) {
  Icmp6 question = solicitation();
  question.dst_mac = kOwn;
  question.dst = "2001:db8::1";
  question.body = discovery_body(135, 0, "2001:db8::1", 0);
  EXPECT_EQ(answer(frame_of(question)), frame_of(advertisement()));
}
TEST_F(Answers, ASolicitationForAListenersAddress) {
  Icmp6 question = solicitation();
  question.dst_mac = "3333ff000080";
  question.dst = "ff02::1:ff00:80";
  question.body = discovery_body(135, 0, "2001:db8:80::80", 1);
  Icmp6 expected = advertisement();
  expected.src = "2001:db8:80::80";
  expected.body = discovery_body(136, 0x60, "2001:db8:80::80", 2, kOwn);
  EXPECT_EQ(answer(frame_of(question)), frame_of(expected));
}
TEST_F(Answers, DuplicateAddressDetectionToAllNodes) {  // RFC 4861 7.2.4
  Icmp6 question = solicitation();
  question.src = "::";
  question.body = discovery_body(135, 0, "2001:db8::1", 0);
  Icmp6 expected = advertisement();
  expected.dst_mac = "333300000001";
  expected.dst = "ff02::1";
  expected.body = discovery_body(136, 0x20, "2001:db8::1", 2, kOwn);
  EXPECT_EQ(answer(frame_of(question)), frame_of(expected));
}
TEST_F(Answers, ASolicitationOnATaggedLink) {
  Icmp6 question = solicitation();
  question.vlan = {0x81, 0, 0, 7};
  question.src = "2001:db8:7::a";
  question.body = discovery_body(135, 0, "2001:db8:7::1", 0);
  Icmp6 expected = advertisement();
  expected.vlan = question.vlan;
  expected.src_mac = "020000000002";
  expected.src = "2001:db8:7::1";
  expected.dst = "2001:db8:7::a";
  expected.body = discovery_body(136, 0x60, "2001:db8:7::1", 2, "020000000002");
  EXPECT_EQ(answer(frame_of(question)), frame_of(expected));
}

// RFC 4861 7.1.1: each of these is silently discarded.
struct VoidRow {
  const char* sentence;
  void (*spoil)(Icmp6&);
};
const VoidRow kVoid[] = {
    {"from beyond the link", [](Icmp6& m) { m.hop_limit = 254; }},
    {"a code that is not 0", [](Icmp6& m) { m.body[1] = 1; }},
    {"shorter than 24 octets", [](Icmp6& m) { m.body.resize(20); }},
    {"a group as target", [](Icmp6& m) { m.body = discovery_body(135, 0, "ff02::1", 1); }},
    {"an option of length 0", [](Icmp6& m) { m.body[25] = 0; }},
    {"an option beyond the end", [](Icmp6& m) { m.body[25] = 2; }},
    {"no source, but a source option", [](Icmp6& m) { m.src = "::"; }},
    {"no source, and not to the group",
     [](Icmp6& m) {
       m.src = "::";
       m.dst = "2001:db8::1";
       m.body = discovery_body(135, 0, "2001:db8::1", 0);
     }},
    {"to another target's group", [](Icmp6& m) { m.dst = "ff02::1:ff00:2"; }},
    {"from ourselves", [](Icmp6& m) { m.src = "2001:db8::1"; }},
};
TEST_F(Answers, NoVoidSolicitation) {
  for (const VoidRow& row : kVoid) {
    Icmp6 question = solicitation();
    row.spoil(question);
    EXPECT_TRUE(answer(frame_of(question)).empty()) << row.sentence;
    EXPECT_TRUE(taken) << row.sentence;
  }
  Bytes wrong_checksum = frame_of(solicitation());
  wrong_checksum[56] ^= 0x80;
  EXPECT_TRUE(answer(wrong_checksum).empty());
}
TEST_F(Answers, NoSolicitationForOthers) {
  Icmp6 question = solicitation();
  question.dst = "ff02::1:ff00:2";
  question.body = discovery_body(135, 0, "2001:db8::2", 1);
  EXPECT_TRUE(answer(frame_of(question)).empty());
  EXPECT_FALSE(taken);
}

Bytes echo_v4(uint8_t type, const std::string& macs, uint8_t ttl, const std::string& src,
              const std::string& dst, std::size_t payload) {
  Bytes ip = {0x45, 0, 0, static_cast<uint8_t>(28 + payload), 0xab, 0xcd, 0x40, 0, ttl, 1, 0, 0};
  append(ip, address_bytes(src));
  append(ip, address_bytes(dst));
  put_checksum(ip, 10, ip);
  Bytes icmp = {type, 0, 0, 0, 0x12, 0x34, 0, 1};
  for (std::size_t i = 0; i < payload; ++i) icmp.push_back(static_cast<uint8_t>(i * 7));
  put_checksum(icmp, 2, icmp);
  Bytes frame = from_hex(macs + "0800");
  append(frame, ip);
  append(frame, icmp);
  return frame;
}

TEST_F(Answers, EchoToOwnAndListenersAddressesWhateverItsLength) {
  for (const char* own : {"198.51.100.1", "198.18.0.80", "203.0.113.1"}) {
    for (const std::size_t payload : {0, 1, 56, 99}) {
      Bytes question = echo_v4(8, kOwn + kPeer, 3, "198.51.100.9", own, payload);
      question.resize(std::max<std::size_t>(question.size(), 60));  // link-layer padding
      EXPECT_EQ(answer(question), echo_v4(0, kPeer + kOwn, 64, own, "198.51.100.9", payload));
    }
  }
}
TEST_F(Answers, EchoOverIpv6) {
  Icmp6 question;
  question.hop_limit = 9;
  question.body = {128, 0, 0, 0, 0x12, 0x34, 0, 1, 'd', 'a', 'm'};
  Icmp6 expected = advertisement();
  expected.hop_limit = 64;
  expected.body = {129, 0, 0, 0, 0x12, 0x34, 0, 1, 'd', 'a', 'm'};
  EXPECT_EQ(answer(frame_of(question)), frame_of(expected));
}
TEST_F(Answers, NoEchoForOthers) {
  EXPECT_TRUE(answer(echo_v4(8, kOwn + kPeer, 3, "198.51.100.9", "198.51.100.2", 8)).empty());
  EXPECT_FALSE(taken);
  EXPECT_TRUE(answer(echo_v4(0, kOwn + kPeer, 3, "198.51.100.9", "198.51.100.1", 8)).empty());
  EXPECT_FALSE(taken) << "a reply is none of the dam's business";
}
TEST_F(Answers, NoEchoToMoreThanOneHostOrWithAWrongChecksum) {
  for (const char* source : {"0.0.0.0", "255.255.255.255", "224.0.0.1"}) {
    EXPECT_TRUE(answer(echo_v4(8, kOwn + kPeer, 3, source, "198.51.100.1", 8)).empty()) << source;
    EXPECT_TRUE(taken);
  }
  EXPECT_TRUE(answer(echo_v4(8, kAll + kPeer, 3, "198.51.100.9", "198.51.100.1", 8)).empty());
  Bytes wrong = echo_v4(8, kOwn + kPeer, 3, "198.51.100.9", "198.51.100.1", 8);
  wrong.back() ^= 1;
  EXPECT_TRUE(answer(wrong).empty());
  Icmp6 group;
  group.src = "ff02::1";
  group.body = {128, 0, 0, 0, 0x12, 0x34, 0, 1};
  EXPECT_TRUE(answer(frame_of(group)).empty());
}

}  // namespace
}  // namespace dam

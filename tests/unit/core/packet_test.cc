// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/packet.h"

#include <functional>

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

FrameSpec spec4() {
  FrameSpec spec;
  spec.payload = {1, 2, 3, 4, 5};
  return spec;
}
FrameSpec spec6() {
  FrameSpec spec = spec4();
  spec.src = octets_v6(1, 2), spec.dst = octets_v6(3, 4);
  return spec;
}
FrameSpec with(FrameSpec spec, const std::function<void(FrameSpec&)>& change) {
  change(spec);
  return spec;
}
Bytes extension(size_t octets) {
  Bytes header(octets, 0);
  header[1] = static_cast<uint8_t>(octets / 8 - 1);
  return header;
}
Bytes edited(const FrameSpec& spec, const std::function<void(Bytes&)>& edit) {
  Bytes frame = write_frame(spec);
  edit(frame);
  return frame;
}
Bytes cut(const FrameSpec& spec, size_t octets) {
  Bytes frame = write_frame(spec);
  return {frame.begin(), frame.begin() + static_cast<long>(octets)};
}

// Frames that are read as TCP; the spec says what must come out.
struct GoodRow {
  const char* sentence;
  FrameSpec spec;
  uint16_t vlan = DAM_VLAN_NONE;
};
const GoodRow kGood[] = {
    {"plain IPv4", spec4()},
    {"plain IPv6", spec6()},
    {"IPv4 in a VLAN: priority bits are not part of the id",
     with(spec4(), [](auto& s) { s.vlans = {0x6000 | 7}; }), 7},
    {"IPv6 in the highest VLAN", with(spec6(), [](auto& s) { s.vlans = {4094}; }), 4094},
    {"a priority tag counts as no VLAN", with(spec4(), [](auto& s) { s.vlans = {0xe000}; })},
    {"IPv4 options are skipped", with(spec4(), [](auto& s) { s.ip_options = Bytes(40, 1); })},
    {"Ethernet padding is not payload", with(spec4(), [](auto& s) { s.padding = Bytes(6, 9); })},
    {"padding behind IPv6 too", with(spec6(), [](auto& s) { s.padding = Bytes(60, 9); })},
    {"DF is no fragment", with(spec4(), [](auto& s) { s.fragment = 0x4000; })},
    {"a full set of TCP options", with(spec4(),
                                       [](auto& s) {
                                         s.options = {nop(), nop(), timestamps(1, 2)};
                                       })},
    {"no payload", with(spec6(), [](auto& s) { s.payload.clear(); })},
    {"ECN-capable IPv4", with(spec4(), [](auto& s) { s.traffic_class = 0xb9; })},
    {"congestion experienced, IPv6", with(spec6(), [](auto& s) { s.traffic_class = 0x03; })},
    {"hop-by-hop options", with(spec6(),
                                [](auto& s) {
                                  s.headers = {{0, extension(8)}};
                                })},
    {"a routing header that is done", with(spec6(),
                                           [](auto& s) {
                                             s.headers = {{43, extension(24)}};
                                           })},
    {"an authentication header, which counts in 4 octets",
     with(spec6(),
          [](auto& s) {
            s.headers = {
                {51, {0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}};
          })},
    {"as many extension headers as are read",
     with(spec6(),
          [](auto& s) {
            s.headers = {{0, extension(8)},   {60, extension(16)}, {43, extension(8)},
                         {60, extension(32)}, {60, extension(8)},  {60, extension(8)}};
          })},
};

TEST(Parse, reads_every_field_of_a_tcp_segment) {
  for (const GoodRow& row : kGood) {
    SCOPED_TRACE(row.sentence);
    const FrameSpec& spec = row.spec;
    const Bytes frame = write_frame(spec);
    dam_packet packet;
    ASSERT_EQ(parse(frame, &packet), DAM_DROP_none);
    const dam_address src = to_dam(spec.src), dst = to_dam(spec.dst);
    EXPECT_TRUE(dam_address_equal(&packet.src, &src));
    EXPECT_TRUE(dam_address_equal(&packet.dst, &dst));
    EXPECT_EQ(packet.kind, DAM_KIND_TCP);
    EXPECT_EQ(packet.family, spec.family());
    EXPECT_EQ(packet.vlan, row.vlan);
    EXPECT_EQ(packet.l3, spec.l3());
    EXPECT_EQ(packet.l4, spec.l4());
    EXPECT_EQ(packet.end, frame.size() - spec.padding.size());
    EXPECT_EQ(packet.payload, packet.end - spec.payload.size());
    EXPECT_EQ(packet.payload_bytes, spec.payload.size());
    EXPECT_EQ(dam_ntoh16(packet.src_port), spec.src_port);
    EXPECT_EQ(dam_ntoh16(packet.dst_port), spec.dst_port);
    EXPECT_EQ(packet.seq.value, spec.seq);
    EXPECT_EQ(packet.ack.value, spec.ack);
    EXPECT_EQ(packet.tcp_flags, spec.flags);
    EXPECT_EQ(packet.window, spec.window);
    EXPECT_EQ(packet.ecn, spec.traffic_class & 3);
  }
}

struct VerdictRow {
  const char* sentence;
  Bytes frame;
  dam_drop_reason reason;
  dam_packet_kind kind = DAM_KIND_OTHER;
};
FrameSpec protocol(FrameSpec spec, uint8_t number, size_t octets) {
  spec.protocol = number;
  spec.payload = Bytes(octets, 8);
  return spec;
}
FrameSpec headers(std::vector<std::pair<uint8_t, Bytes>> list) {
  return with(spec6(), [&](auto& s) { s.headers = std::move(list); });
}
const VerdictRow kVerdicts[] = {
    {"no bytes at all", {}, DAM_DROP_malformed},
    {"half an Ethernet header", cut(spec4(), 13), DAM_DROP_malformed},
    {"an Ethernet header and no more", cut(spec4(), 14), DAM_DROP_malformed},
    {"half a VLAN tag", cut(kGood[2].spec, 17), DAM_DROP_malformed},
    {"half an IPv4 header", cut(spec4(), 33), DAM_DROP_malformed},
    {"half an IPv6 header", cut(spec6(), 53), DAM_DROP_malformed},
    {"IPv4 of which the last octet is missing", cut(spec4(), 58), DAM_DROP_malformed},
    {"IPv6 of which the last octet is missing", cut(spec6(), 78), DAM_DROP_malformed},
    {"IPv4 that says version 6", edited(spec4(), [](Bytes& f) { f[14] = 0x65; }),
     DAM_DROP_malformed},
    {"IPv6 that says version 4", edited(spec6(), [](Bytes& f) { f[14] = 0x40; }),
     DAM_DROP_malformed},
    {"an IPv4 header of 16 octets", edited(spec4(), [](Bytes& f) { f[14] = 0x44; }),
     DAM_DROP_malformed},
    {"a total length below the header's", edited(spec4(), [](Bytes& f) { f[16] = 0, f[17] = 19; }),
     DAM_DROP_malformed},
    {"IPv4 options behind the total length",
     edited(spec4(), [](Bytes& f) { f[14] = 0x4f, f[17] = 45; }), DAM_DROP_malformed},
    {"a TCP header cut by the total length", edited(spec4(), [](Bytes& f) { f[17] = 39; }),
     DAM_DROP_malformed},
    {"a TCP header cut by the payload length", edited(spec6(), [](Bytes& f) { f[19] = 19; }),
     DAM_DROP_malformed},
    {"a data offset of 4", edited(spec4(), [](Bytes& f) { f[46] = 0x40; }), DAM_DROP_malformed},
    {"a data offset behind the end", edited(spec4(), [](Bytes& f) { f[46] = 0xf0; }),
     DAM_DROP_malformed},
    {"a mapped IPv4 source on the wire, IPv6",
     write_frame(with(
         spec6(),
         [](auto& s) { s.src = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7}; })),
     DAM_DROP_malformed},
    {"a mapped IPv4 destination on the wire, IPv6",
     write_frame(
         with(spec6(),
              [](auto& s) { s.dst = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 1}; })),
     DAM_DROP_malformed},
    {"the first fragment", write_frame(with(spec4(), [](auto& s) { s.fragment = 0x2000; })),
     DAM_DROP_fragment},
    {"a later fragment", write_frame(with(spec4(), [](auto& s) { s.fragment = 1; })),
     DAM_DROP_fragment},
    {"an IPv6 fragment header", write_frame(headers({{44, extension(8)}})), DAM_DROP_fragment},
    {"a fragment header behind others",
     write_frame(headers({{0, extension(16)}, {60, extension(8)}, {44, extension(8)}})),
     DAM_DROP_fragment},
    {"one extension header too many",
     write_frame(headers(std::vector<std::pair<uint8_t, Bytes>>(7, {60, extension(8)}))),
     DAM_DROP_malformed},
    {"a routing header with segments left", write_frame(headers({{43, {0, 0, 0, 1, 0, 0, 0, 0}}})),
     DAM_DROP_malformed},
    {"an extension header that runs over the end",
     write_frame(headers({{60, {0, 9, 0, 0, 0, 0, 0, 0}}})), DAM_DROP_malformed},
    {"extension headers longer than any real ones", write_frame(headers({{60, extension(1024)}})),
     DAM_DROP_malformed},
    {"ICMP", write_frame(protocol(spec4(), 1, 8)), DAM_DROP_none, DAM_KIND_ICMP},
    {"ICMPv6", write_frame(protocol(spec6(), 58, 8)), DAM_DROP_none, DAM_KIND_ICMP},
    {"half an ICMP header", write_frame(protocol(spec4(), 1, 7)), DAM_DROP_malformed},
    {"ICMPv6 in IPv4", write_frame(protocol(spec4(), 58, 8)), DAM_DROP_none, DAM_KIND_OTHER_L4},
    {"UDP", write_frame(protocol(spec4(), 17, 8)), DAM_DROP_none, DAM_KIND_OTHER_L4},
    {"no next header", write_frame(protocol(spec6(), 59, 0)), DAM_DROP_none, DAM_KIND_OTHER_L4},
    {"two VLAN tags",
     write_frame(with(spec4(),
                      [](auto& s) {
                        s.vlans = {5, 7};
                      })),
     DAM_DROP_none, DAM_KIND_OTHER},
    {"a provider tag", edited(kGood[2].spec, [](Bytes& f) { f[12] = 0x88, f[13] = 0xa8; }),
     DAM_DROP_none, DAM_KIND_OTHER},
    {"ARP", edited(spec4(), [](Bytes& f) { f[12] = 8, f[13] = 6; }), DAM_DROP_none, DAM_KIND_ARP},
    {"LLDP", edited(spec4(), [](Bytes& f) { f[12] = 0x88, f[13] = 0xcc; }), DAM_DROP_none,
     DAM_KIND_OTHER},
};

TEST(Parse, names_what_is_wrong_or_is_not_tcp) {
  for (const VerdictRow& row : kVerdicts) {
    SCOPED_TRACE(row.sentence);
    dam_packet packet;
    Bytes frame = row.frame;
    frame.shrink_to_fit();
    ASSERT_EQ(parse(frame, &packet), row.reason);
    if (row.reason == DAM_DROP_none) {
      EXPECT_EQ(packet.kind, row.kind);
    }
  }
}

TEST(Parse, a_fragment_still_tells_its_addresses) {
  const FrameSpec spec = with(spec4(), [](auto& s) { s.fragment = 0x2000; });
  dam_packet packet;
  EXPECT_EQ(parse(write_frame(spec), &packet), DAM_DROP_fragment);
  const dam_address dst = to_dam(spec.dst);
  EXPECT_TRUE(dam_address_equal(&packet.dst, &dst));
  EXPECT_EQ(packet.family, 4);
}

// The invariants that all code behind the parser leans on, for any bytes whatsoever.
void expect_offsets_within(const Bytes& frame, const dam_packet& packet) {
  RC_ASSERT(packet.end <= frame.size());
  if (packet.kind != DAM_KIND_TCP && packet.kind != DAM_KIND_ICMP) return;
  RC_ASSERT(packet.l3 + dam_ip_bytes(packet.family) <= packet.l4);
  RC_ASSERT(packet.l4 <= DAM_OFFSET_MASK);
  RC_ASSERT(packet.l4 + 8 <= packet.payload);
  RC_ASSERT(packet.payload + packet.payload_bytes == packet.end);
}

RC_GTEST_PROP(Parse, never_points_outside_the_frame_however_it_is_cut_or_damaged, (bool six)) {
  FrameSpec spec = kGood[*rc::gen::inRange<size_t>(0, std::size(kGood))].spec;
  Bytes frame = write_frame(spec);
  const size_t damages = *rc::gen::inRange<size_t>(0, 4);
  for (size_t i = 0; i < damages; ++i) {
    frame[*rc::gen::inRange<size_t>(six ? 12 : 14, frame.size())] = *rc::gen::arbitrary<uint8_t>();
  }
  frame.resize(*rc::gen::inRange<size_t>(0, frame.size() + 1));
  frame.shrink_to_fit();
  dam_packet packet;
  const dam_drop_reason reason = parse(frame, &packet);
  RC_ASSERT(reason == DAM_DROP_none || reason == DAM_DROP_malformed || reason == DAM_DROP_fragment);
  if (reason == DAM_DROP_none) expect_offsets_within(frame, packet);
}

struct QuotedRow {
  const char* sentence;
  FrameSpec spec;
  size_t octets;  // of the packet that are quoted
  dam_drop_reason reason;
  bool whole_header;
};
const QuotedRow kQuoted[] = {
    {"8 octets of TCP", spec4(), 28, DAM_DROP_none, false},
    {"19 octets of TCP", spec4(), 39, DAM_DROP_none, false},
    {"a whole TCP header", spec4(), 40, DAM_DROP_none, true},
    {"the whole packet", spec4(), 45, DAM_DROP_none, true},
    {"7 octets of TCP", spec4(), 27, DAM_DROP_malformed, false},
    {"half an IP header", spec4(), 19, DAM_DROP_malformed, false},
    {"nothing", spec4(), 0, DAM_DROP_malformed, false},
    {"8 octets of TCP in IPv6", spec6(), 48, DAM_DROP_none, false},
    {"a whole IPv6 packet", spec6(), 65, DAM_DROP_none, true},
    {"IPv4 options", kGood[5].spec, 68, DAM_DROP_none, false},
    {"options cut in the middle", kGood[9].spec, 44, DAM_DROP_none, true},
    {"a fragment", with(spec4(), [](auto& s) { s.fragment = 0x2001; }), 45, DAM_DROP_fragment,
     false},
    {"IPv6 behind an extension header", kGood[13].spec, 56, DAM_DROP_none, false},
};

TEST(ParseEmbedded, reads_what_is_quoted) {
  for (const QuotedRow& row : kQuoted) {
    SCOPED_TRACE(row.sentence);
    Bytes quoted = write_ip(row.spec);
    quoted.resize(row.octets);
    quoted.shrink_to_fit();
    dam_packet packet;
    const uint8_t* l3 = start_of(quoted);
    ASSERT_EQ(dam_parse_embedded(l3, l3 + quoted.size(), &packet), row.reason);
    if (row.reason != DAM_DROP_none) continue;
    EXPECT_EQ(packet.kind, DAM_KIND_TCP);
    EXPECT_EQ(packet.l3, 0);
    EXPECT_EQ(packet.l4, row.spec.l4() - 14);
    EXPECT_EQ(packet.end, row.octets);
    EXPECT_EQ(dam_ntoh16(packet.src_port), row.spec.src_port);
    EXPECT_EQ(dam_ntoh16(packet.dst_port), row.spec.dst_port);
    EXPECT_EQ(packet.seq.value, row.spec.seq);
    EXPECT_EQ(packet.ack.value, row.whole_header ? row.spec.ack : 0);
    EXPECT_EQ(packet.tcp_flags, row.whole_header ? row.spec.flags : 0);
    EXPECT_LE(packet.payload, packet.end);
  }
}

TEST(ParseEmbedded, octets_behind_the_quoted_packets_own_end_are_not_its) {
  FrameSpec spec = spec4();
  Bytes quoted = write_ip(spec);
  dam_packet packet;
  set16(quoted, 2,
        28);  // 8 octets of TCP, says the length; an ICMP extension may follow (RFC 4884)
  ASSERT_EQ(dam_parse_embedded(quoted.data(), quoted.data() + quoted.size(), &packet),
            DAM_DROP_none);
  EXPECT_EQ(packet.end, 28);
  EXPECT_EQ(packet.ack.value, 0u);
  EXPECT_EQ(packet.tcp_flags, 0);
  set16(quoted, 2, 27);
  EXPECT_EQ(dam_parse_embedded(quoted.data(), quoted.data() + quoted.size(), &packet),
            DAM_DROP_malformed);
}

// Frames of the usual kind are read by a short way of their own. A priority tag, which changes
// nothing but where the packet lies, takes a frame off that way: both must say the same.
RC_GTEST_PROP(Packet, the_short_way_reads_what_the_long_way_reads, ()) {
  Bytes plain = write_frame(spec4());
  const auto edits = *rc::gen::inRange<int>(0, 4);
  for (int i = 0; i < edits; ++i) {
    const auto at = *rc::gen::inRange<size_t>(14, plain.size());
    plain[at] = *rc::gen::arbitrary<uint8_t>();
  }
  if (*rc::gen::inRange(0, 4) == 0) plain.resize(*rc::gen::inRange<size_t>(14, plain.size()));
  Bytes tagged = plain;
  const Bytes tag = {0x81, 0x00, 0xe0, 0x00};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  dam_packet a{}, b{};
  const auto read_a = dam_parse(plain.data(), plain.data() + plain.size(), &a);
  const auto read_b = dam_parse(tagged.data(), tagged.data() + tagged.size(), &b);
  RC_ASSERT(read_a == read_b);
  if (read_a != DAM_DROP_none) return;
  for (uint16_t* offset : {&a.l3, &a.l4, &a.payload, &a.end}) {
    if (*offset != 0) *offset = static_cast<uint16_t>(*offset + 4);
  }
  RC_ASSERT(std::memcmp(&a, &b, sizeof a) == 0);
}

}  // namespace

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/tcp_options.h"

#include "dataplane/core/packet.h"
#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

struct OptionsRow {
  const char* sentence;
  std::vector<Option> options;
  dam_drop_reason reason;
  dam_tcp_options expected;  // *_at count from the TCP header's end here
};
constexpr uint8_t kNone = DAM_WSCALE_NONE;
Option raw(uint8_t kind, Bytes octets) { return {kind, {}, std::move(octets)}; }

const OptionsRow kRows[] = {
    {"none", {}, DAM_DROP_none, {0, 0, 0, 0, 0, kNone, 0, 0, 0}},
    {"the usual timestamps",
     {nop(), nop(), timestamps(7, 9)},
     DAM_DROP_none,
     {7, 9, 0, 2, 0, kNone, 0, 1, 0}},
    {"timestamps first",
     {timestamps(7, 9), nop(), nop()},
     DAM_DROP_none,
     {7, 9, 0, 0, 0, kNone, 0, 1, 0}},
    {"timestamps at an odd place",
     {nop(), timestamps(0xfffffffe, 0), nop()},
     DAM_DROP_none,
     {0xfffffffe, 0, 0, 1, 0, kNone, 0, 1, 0}},
    {"a SYN of Linux",
     {raw(2, {5, 0xb4}), raw(4, {}), timestamps(1, 0), nop(), raw(3, {7})},
     DAM_DROP_none,
     {1, 0, 1460, 6, 0, 7, 1, 1, 0}},
    {"a SYN of Windows",
     {raw(2, {5, 0xb4}), nop(), raw(3, {8}), nop(), nop(), raw(4, {})},
     DAM_DROP_none,
     {0, 0, 1460, 0, 0, 8, 1, 0, 0}},
    {"a window scale above 14 is used as 14",
     {raw(3, {200})},
     DAM_DROP_none,
     {0, 0, 0, 0, 0, 14, 0, 0, 0}},
    {"four SACK blocks",
     {nop(), nop(), sack({1, 2, 3, 4, 5, 6, 7, 8})},
     DAM_DROP_none,
     {0, 0, 0, 0, 2, kNone, 0, 0, 4}},
    {"SACK beside timestamps",
     {nop(), nop(), timestamps(3, 4), nop(), nop(), sack({1, 2, 3, 4})},
     DAM_DROP_none,
     {3, 4, 0, 2, 14, kNone, 0, 1, 2}},
    {"unknown options are stepped over",
     {raw(30, {1, 2, 3}), raw(254, {}), raw(2, {2, 0x18})},
     DAM_DROP_none,
     {0, 0, 536, 0, 0, kNone, 0, 0, 0}},
    {"what follows the end of the list is not read",
     {raw(4, {}), {0, {}}, raw(2, {5, 0xb4})},
     DAM_DROP_none,
     {0, 0, 0, 0, 0, kNone, 1, 0, 0}},
    {"40 octets of padding",
     std::vector<Option>(40, nop()),
     DAM_DROP_none,
     {0, 0, 0, 0, 0, kNone, 0, 0, 0}},
    {"MSS of 3 octets", {raw(2, {5})}, DAM_DROP_malformed, {}},
    {"window scale of 4 octets", {raw(3, {5, 5})}, DAM_DROP_malformed, {}},
    {"SACK permitted with a body", {raw(4, {5})}, DAM_DROP_malformed, {}},
    {"timestamps of 8 octets", {{8, {1}, {0, 0}}}, DAM_DROP_malformed, {}},
    {"SACK without a block", {raw(5, {})}, DAM_DROP_malformed, {}},
    {"SACK with half a block", {sack({1, 2, 3})}, DAM_DROP_malformed, {}},
    {"two timestamps", {timestamps(1, 2), timestamps(3, 4)}, DAM_DROP_malformed, {}},
    {"two SACK options", {sack({1, 2}), sack({3, 4})}, DAM_DROP_malformed, {}},
};

uint32_t from_end(uint32_t at, const dam_packet& packet) {
  return at == 0 ? 0 : at - packet.l4 - DAM_TCP_BYTES;
}

void expect_row(const OptionsRow& row, FrameSpec spec) {
  spec.options = row.options;
  const Bytes frame = write_frame(spec);
  dam_packet packet;
  dam_tcp_options got;
  ASSERT_EQ(parse(frame, &packet), DAM_DROP_none);
  ASSERT_EQ(dam_parse_tcp_options(frame.data(), frame.data() + frame.size(), &packet, &got),
            row.reason);
  if (row.reason != DAM_DROP_none) return;
  EXPECT_EQ(got.mss, row.expected.mss);
  EXPECT_EQ(got.wscale, row.expected.wscale);
  EXPECT_EQ(got.sack_permitted, row.expected.sack_permitted);
  EXPECT_EQ(got.has_timestamps, row.expected.has_timestamps);
  EXPECT_EQ(got.tsval, row.expected.tsval);
  EXPECT_EQ(got.tsecr, row.expected.tsecr);
  EXPECT_EQ(got.sack_blocks, row.expected.sack_blocks);
  EXPECT_EQ(from_end(got.timestamps_at, packet), row.expected.timestamps_at);
  EXPECT_EQ(from_end(got.sack_at, packet), row.expected.sack_at);
}

TEST(TcpOptions, are_read_or_refused) {
  for (const OptionsRow& row : kRows) {
    SCOPED_TRACE(row.sentence);
    expect_row(row, {});
    FrameSpec six;
    six.src = octets_v6(1, 2), six.dst = octets_v6(3, 4), six.vlans = {9}, six.payload = {1, 2, 3};
    expect_row(row, six);
  }
}

TEST(TcpOptions, lengths_that_cannot_be_are_malformed) {
  struct LengthRow {
    const char* sentence;
    uint8_t octets[4];
  };
  const LengthRow rows[] = {{"length 0", {30, 0, 1, 1}},
                            {"length 1", {30, 1, 1, 1}},
                            {"longer than the header", {30, 5, 1, 1}},
                            {"a kind without a length", {1, 1, 1, 30}}};
  for (const LengthRow& row : rows) {
    SCOPED_TRACE(row.sentence);
    FrameSpec spec;
    spec.options = std::vector<Option>(4, nop());
    Bytes frame = write_frame(spec);
    std::memcpy(&frame[14 + 20 + 20], row.octets, 4);
    dam_packet packet;
    dam_tcp_options options;
    ASSERT_EQ(parse(frame, &packet), DAM_DROP_none);
    EXPECT_EQ(dam_parse_tcp_options(frame.data(), frame.data() + frame.size(), &packet, &options),
              DAM_DROP_malformed);
  }
}

std::vector<Option> syn_of_linux() {
  return {raw(2, {5, 0xb4}), raw(4, {}), timestamps(1, 0), nop(), raw(3, {7})};
}
std::vector<Option> syn_of_windows() {
  return {raw(2, {5, 0xb4}), nop(), raw(3, {8}), nop(), nop(), raw(4, {})};
}
std::vector<Option> syn_of_apple() {
  return {raw(2, {5, 0xb4}), nop(), raw(3, {6}), nop(), nop(), timestamps(1, 0), raw(4, {})};
}

dam_drop_reason read_with(uint8_t tcp_flags, const Bytes& frame, dam_tcp_options* options) {
  dam_packet packet;
  EXPECT_EQ(parse(frame, &packet), DAM_DROP_none);
  packet.tcp_flags = tcp_flags;
  return dam_parse_tcp_options(frame.data(), frame.data() + frame.size(), &packet, options);
}

// A SYN's options are recognised by a few words where they are laid out as usual; others are walked
// octet by octet. Whatever octet is another one, both ways say the same.
TEST(TcpOptions, of_a_SYN_say_what_they_say_in_any_other_segment) {
  for (const std::vector<Option>& layout : {syn_of_linux(), syn_of_windows(), syn_of_apple()}) {
    FrameSpec spec;
    spec.options = layout;
    Bytes frame = write_frame(spec);
    for (size_t at = 54; at < frame.size(); ++at) {
      const uint8_t before = frame[at];
      for (int value = 0; value < 256; ++value) {
        frame[at] = static_cast<uint8_t>(value);
        dam_tcp_options of_syn, of_ack;
        ASSERT_EQ(read_with(DAM_TCP_SYN, frame, &of_syn), read_with(DAM_TCP_ACK, frame, &of_ack))
            << at << " " << value;
        ASSERT_EQ(std::memcmp(&of_syn, &of_ack, sizeof of_syn), 0) << at << " " << value;
      }
      frame[at] = before;
    }
  }
}

RC_GTEST_PROP(TcpOptions, any_octets_are_read_within_the_header, ()) {
  FrameSpec spec;
  spec.options = std::vector<Option>(*rc::gen::inRange<size_t>(0, 41), nop());
  Bytes frame = write_frame(spec);
  for (size_t i = 54; i < frame.size(); ++i) {
    frame[i] = *rc::gen::element<uint8_t>(0, 1, 2, 3, 4, 5, 6, 8, 10, 18, 26, 34, 77, 255);
  }
  dam_packet packet;
  dam_tcp_options options;
  RC_ASSERT(parse(frame, &packet) == DAM_DROP_none);
  if (dam_parse_tcp_options(frame.data(), frame.data() + frame.size(), &packet, &options)) return;
  RC_ASSERT(options.wscale <= 15);
  RC_ASSERT(options.sack_blocks <= DAM_SACK_BLOCKS_MAX);
  if (options.has_timestamps) RC_ASSERT(options.timestamps_at + 10u <= packet.payload);
  if (options.sack_blocks) {
    RC_ASSERT(options.sack_at + 2u + 8u * options.sack_blocks <= packet.payload);
  }
}

}  // namespace

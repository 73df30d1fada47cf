// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "dataplane/core/checksum.h"
#include "dataplane/core/tcp_options.h"

namespace dam {
namespace {

class Draw {
 public:
  uint32_t operator()() { return static_cast<uint32_t>(numbers_()); }

 private:
  std::mt19937 numbers_{1};
};

struct Written {
  std::array<uint8_t, kFrameBytes> bytes{};
  Frame frame;
  dam_packet packet{};
  dam_tcp_options options{};
};

dam_address random_address(Draw& random, bool v4) {
  if (v4) return dam_address_v4(random());
  dam_address address{};
  for (uint32_t& word : address.word) word = random();
  address.word[0] = 0xb80d0120;
  return address;
}

Segment random_segment(Draw& random, bool v4) {
  Segment segment;
  segment.src = random_address(random, v4);
  segment.dst = random_address(random, v4);
  segment.src_port.raw = static_cast<uint16_t>(random());
  segment.dst_port.raw = static_cast<uint16_t>(random());
  segment.seq = dam_seq_of(random());
  segment.ack = dam_seq_of(random());
  segment.window = static_cast<uint16_t>(random());
  segment.flags = static_cast<uint8_t>(random());
  segment.mss = random() % 2 == 0 ? 0 : 1460;
  segment.wscale = static_cast<uint8_t>(random() % 16);
  segment.sack_permitted = random() % 2 == 0;
  segment.timestamps = random() % 2 == 0;
  segment.tsval = random();
  segment.tsecr = random();
  return segment;
}

void write(const Segment& segment, Written& written) {
  written.frame.data = written.bytes.data();
  ASSERT_TRUE(write_segment(written.frame, segment));
  const uint8_t* end = written.frame.data + written.frame.bytes;
  ASSERT_EQ(dam_parse(written.frame.data, end, &written.packet), DAM_DROP_none);
  ASSERT_EQ(dam_parse_tcp_options(written.frame.data, end, &written.packet, &written.options),
            DAM_DROP_none);
}

TEST(Segment, IsReadAsItWasWrittenAndItsChecksumsHold) {
  Draw random;
  std::vector<uint8_t> payload(900);
  std::generate(payload.begin(), payload.end(), [&] { return static_cast<uint8_t>(random()); });
  for (int i = 0; i < 2000; ++i) {
    SCOPED_TRACE(i);
    const bool v4 = i % 2 == 0;
    Segment segment = random_segment(random, v4);
    segment.payload = std::span(payload).first(random() % 600);
    segment.payload2 = std::span(payload).last(random() % 300);
    Written written;
    write(segment, written);
    const dam_packet& packet = written.packet;
    const uint8_t* data = written.frame.data;
    EXPECT_TRUE(dam_checksum_tcp_valid(data, &packet));
    EXPECT_TRUE(!v4 || dam_checksum_ipv4_valid(data + packet.l3));
    EXPECT_TRUE(dam_address_equal(&packet.src, &segment.src));
    EXPECT_TRUE(dam_address_equal(&packet.dst, &segment.dst));
    EXPECT_EQ(packet.src_port.raw, segment.src_port.raw);
    EXPECT_EQ(packet.dst_port.raw, segment.dst_port.raw);
    EXPECT_EQ(packet.seq.value, segment.seq.value);
    EXPECT_EQ(packet.ack.value, segment.ack.value);
    EXPECT_EQ(packet.window, segment.window);
    EXPECT_EQ(packet.tcp_flags, segment.flags);
    EXPECT_EQ(packet.end, written.frame.bytes);
    EXPECT_EQ(written.options.mss, segment.mss);
    EXPECT_EQ(written.options.wscale, std::min<uint8_t>(segment.wscale, DAM_WSCALE_NONE));
    EXPECT_EQ(written.options.sack_permitted != 0, segment.sack_permitted);
    EXPECT_EQ(written.options.has_timestamps != 0, segment.timestamps);
    if (segment.timestamps) {
      EXPECT_EQ(written.options.tsval, segment.tsval);
      EXPECT_EQ(written.options.tsecr, segment.tsecr);
    }
    ASSERT_EQ(packet.payload_bytes, segment.payload.size() + segment.payload2.size());
    std::vector<uint8_t> both(segment.payload.begin(), segment.payload.end());
    both.insert(both.end(), segment.payload2.begin(), segment.payload2.end());
    EXPECT_TRUE(std::equal(both.begin(), both.end(), data + packet.payload));
  }
}

TEST(Segment, ThatDoesNotFitIntoAFrameIsNotWritten) {
  const std::vector<uint8_t> payload(kFrameBytes);
  Written written;
  written.frame.data = written.bytes.data();
  Segment segment;
  segment.src = segment.dst = dam_address_v4(1);
  segment.payload = payload;
  EXPECT_FALSE(write_segment(written.frame, segment));
}

}  // namespace
}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// pcapng octet by octet, by the draft's figures; that Wireshark reads it is seen in the lab.
#include "controlplane/capture/pcapng.h"

#include <gtest/gtest.h>

#include "controlplane/capture/comment.h"
#include "dataplane/core/counters.h"

namespace dam::control {
namespace {

// "0a0d0d0a 1c" → octets
std::string octets(const std::string& hex) {
  std::string result, digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    result += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return result;
}

TEST(Pcapng, section_header) {
  EXPECT_EQ(pcapng::section_header({"x86_64", "", "dam", "why"}),
            octets("0a0d0d0a 3c000000 4d3c2b1a 0100 0000 ffffffffffffffff"
                   "0200 0600 7838365f36340000"  // hardware, padded
                   "0400 0300 64616d00"          // program; of the system nothing is said
                   "0100 0300 77687900"          // comment
                   "0000 0000 3c000000"));
}

TEST(Pcapng, interface_description) {
  EXPECT_EQ(pcapng::interface_description("wan0", 256),
            octets("01000000 28000000 0100 0000 00010000"
                   "0200 0400 77616e30"
                   "0900 0100 09000000"  // nanoseconds
                   "0000 0000 28000000"));
}

TEST(Pcapng, enhanced_packet) {
  const std::string frame = octets("aabbccddee");
  EXPECT_EQ(pcapng::enhanced_packet({3, 0x1122334455667788, 1514, frame, "hey"}),
            octets("06000000 3c000000 03000000 44332211 88776655"
                   "05000000 ea050000 aabbccddee000000"
                   "0200 0400 01000000"  // inbound
                   "0100 0300 68657900"
                   "0000 0000 3c000000"));
}

TEST(Pcapng, every_length_is_a_multiple_of_four_and_says_itself_twice) {
  for (size_t size = 0; size < 70; ++size) {
    const std::string filler(size, 'f');
    const std::string block = pcapng::enhanced_packet({0, 0, 99, filler, filler});
    ASSERT_EQ(block.size() % 4, 0u);
    EXPECT_EQ(block.substr(4, 4), block.substr(block.size() - 4));
    EXPECT_EQ(static_cast<uint8_t>(block[4]) + 256u * static_cast<uint8_t>(block[5]), block.size());
  }
}

TEST(Pcapng, a_text_that_is_too_long_for_an_option_is_cut) {
  const std::string block = pcapng::interface_description(std::string(100'000, 'n'), 64);
  EXPECT_EQ(block.substr(16, 4), octets("0200 ffff"));
  EXPECT_EQ(block.size() % 4, 0u);
}

v1::CapturedFrame frame_of(dam_drop_reason reason, const std::string& zone) {
  v1::CapturedFrame frame;
  frame.set_reason(reason);
  frame.set_zone(zone);
  return frame;
}

TEST(CaptureComment, names_reason_zone_and_bucket) {
  EXPECT_EQ(
      comment_of(frame_of(DAM_DROP_source_packets, "api")),
      "dropped: source_packets (over the zone's packet rate for one source); zone api; bucket "
      "per_source.packets");
  EXPECT_EQ(
      comment_of(frame_of(DAM_DROP_zone_concurrent, "api")),
      "dropped: zone_concurrent (over the zone's total number of open connections); zone api; "
      "bucket total.concurrent");
  EXPECT_EQ(comment_of(frame_of(DAM_DROP_no_route, "front")),
            "dropped: no_route (no route for this name, protocol, path and source); zone front");
  EXPECT_EQ(comment_of(frame_of(DAM_DROP_none, "pages")), "passed: zone pages, from the client");
  EXPECT_EQ(comment_of(frame_of(DAM_DROP_consumed, "front")),
            "taken in by the dam itself: handshakes, ARP, NDP, echo, probes; zone front");
  EXPECT_EQ(comment_of(frame_of(DAM_DROP_none, "")),
            "passed: a zone that is gone, from the client");
  EXPECT_EQ(comment_of(frame_of(static_cast<dam_drop_reason>(DAM_DROP_COUNT), "api")),
            "for an unknown reason; zone api");
}

// Each scope has a bucket for each dimension, and one for connections at once.
TEST(CaptureComment, every_bucket_has_its_reason) {
  std::set<std::string> buckets;
  for (int reason = 0; reason < DAM_DROP_COUNT; ++reason) {
    if (!bucket_of(reason).empty()) buckets.insert(bucket_of(reason));
  }
  EXPECT_EQ(buckets.size(), 2u * DAM_SHADOW_COUNT);
  EXPECT_EQ(bucket_of(DAM_DROP_source_bytes_down), "per_source.bytes_down");
  EXPECT_EQ(bucket_of(DAM_DROP_half_open_source), "");
}

}  // namespace
}  // namespace dam::control

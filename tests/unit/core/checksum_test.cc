// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/checksum.h"

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

uint16_t full(const Bytes& bytes) {
  const uint8_t* p = start_of(bytes);
  const uint32_t sum = dam_checksum_add(0, p, p + bytes.size());
  return __builtin_bswap16(dam_checksum_fold(sum));
}

TEST(Checksum, of_the_example_in_rfc_1071) {
  const Bytes bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(full(bytes), static_cast<uint16_t>(~0xddf2));
}

RC_GTEST_PROP(Checksum, equals_the_naive_one_at_any_length_and_alignment, (const Bytes& bytes)) {
  const size_t skip = *rc::gen::inRange<size_t>(0, bytes.size() + 1);
  const Bytes tail(bytes.begin() + static_cast<long>(skip), bytes.end());
  RC_ASSERT(full(tail) == naive_checksum(tail));
  const uint8_t* p = start_of(bytes);
  const uint32_t sum = dam_checksum_add(0, p + skip, p + bytes.size());
  RC_ASSERT(__builtin_bswap16(dam_checksum_fold(sum)) == naive_checksum(tail));
}

TEST(Checksum, carries_of_many_full_words_are_kept) {
  for (size_t size : {1u, 2u, 15u, 16u, 17u, 1500u, 65535u}) {
    const Bytes ones(size, 0xff);
    EXPECT_EQ(full(ones), naive_checksum(ones)) << size;
  }
}

RC_GTEST_PROP(Checksum, sums_of_stretches_add_up, (const Bytes& bytes, uint16_t head)) {
  const size_t cut = std::min<size_t>(bytes.size(), head % 64) & ~size_t{1};
  const uint8_t* p = start_of(bytes);
  const uint32_t first = dam_checksum_add(0, p, p + cut);
  const uint32_t sum = dam_checksum_add(first, p + cut, p + bytes.size());
  RC_ASSERT(__builtin_bswap16(dam_checksum_fold(sum)) == naive_checksum(bytes));
}

RC_GTEST_PROP(Checksum, replaced_incrementally_it_equals_the_full_one,
              (uint32_t to32, uint16_t to)) {
  Bytes bytes = *rc::gen::container<Bytes>(40, rc::gen::arbitrary<uint8_t>());
  bytes[39] = 1;  // an all-zero message has two checksums (RFC 1624 3); no packet is all zero
  uint16_t field = dam_checksum_fold(dam_checksum_add(0, bytes.data(), bytes.data() + 40));
  field = dam_checksum_replace32(field, dam_load32(&bytes[4]), to32);
  dam_store32(&bytes[4], to32);
  field = dam_checksum_replace16(field, dam_load16(&bytes[10]), to);
  dam_store16(&bytes[10], to);
  RC_ASSERT(__builtin_bswap16(field) == naive_checksum(bytes));
}

TEST(Checksum, reduces_the_largest_sums_without_losing_a_carry) {
  EXPECT_EQ(dam_checksum_reduce(0), 0);
  EXPECT_EQ(dam_checksum_reduce(0xffff), 0xffff);
  EXPECT_EQ(dam_checksum_reduce(0x10000), 1);
  for (uint64_t sum : {UINT64_MAX, UINT64_MAX - 1, uint64_t{0xffffffff}, uint64_t{0x1fffffffe},
                       uint64_t{0xffff0000ffff0000}, uint64_t{0x8000000080000001}}) {
    const uint64_t expected = sum % 0xffff == 0 ? 0xffff : sum % 0xffff;
    EXPECT_EQ(dam_checksum_reduce(sum), expected) << std::hex << sum;
  }
}

FrameSpec segment_of(bool six, const Bytes& payload) {
  FrameSpec spec;
  if (six) spec.src = octets_v6(1, 2), spec.dst = octets_v6(3, 4);
  spec.payload = payload;
  spec.padding = Bytes(six ? 3 : 6, 0xee);
  return spec;
}

RC_GTEST_PROP(Checksum, of_tcp_is_found_right_set_right_and_wrong_when_a_bit_flips,
              (bool six, const Bytes& payload)) {
  const Bytes frame = write_frame(segment_of(six, payload));
  dam_packet packet;
  RC_ASSERT(parse(frame, &packet) == DAM_DROP_none);
  RC_ASSERT(dam_checksum_tcp_valid(frame.data(), &packet));
  Bytes copy = frame;
  dam_store16(&copy[packet.l4 + 16u], 0xabcd);
  dam_checksum_tcp_set(copy.data(), &packet);
  RC_ASSERT(copy == frame);
  const size_t at = *rc::gen::inRange<size_t>(packet.l4, packet.end);
  copy[at] = static_cast<uint8_t>(copy[at] ^ 0x10);
  RC_ASSERT(!dam_checksum_tcp_valid(copy.data(), &packet));
}

RC_GTEST_PROP(Checksum, of_an_ipv4_header_counts_its_options, (uint8_t ttl, bool options)) {
  FrameSpec spec;
  spec.ttl = ttl;
  if (options) spec.ip_options = {0x94, 0x04, 0x00, 0x01};
  const Bytes frame = write_frame(spec);
  RC_ASSERT(dam_checksum_ipv4_valid(&frame[14]));
  Bytes copy = frame;
  copy[24] = copy[25] = 0x77;
  RC_ASSERT(!dam_checksum_ipv4_valid(&copy[14]));
  dam_checksum_ipv4_set(&copy[14]);
  RC_ASSERT(copy == frame);
}

RC_GTEST_PROP(Checksum, of_icmpv6_covers_a_pseudo_header_and_of_icmp_does_not, (bool six)) {
  FrameSpec spec = segment_of(six, {});
  spec.protocol = six ? 58 : 1;
  spec.payload = *rc::gen::container<Bytes>(41, rc::gen::arbitrary<uint8_t>());
  Bytes frame = write_frame(spec);
  dam_packet packet;
  RC_ASSERT(parse(frame, &packet) == DAM_DROP_none);
  dam_checksum_icmp_set(frame.data(), &packet);
  RC_ASSERT(dam_checksum_icmp_valid(frame.data(), &packet));
  Bytes summed;
  if (six) put(summed, spec.src), put(summed, spec.dst), put32(summed, 41), put32(summed, 58);
  put(summed, Bytes(frame.begin() + packet.l4, frame.begin() + packet.end));
  RC_ASSERT(naive_checksum(summed) == 0);
}

}  // namespace

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/types.h"

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

TEST(Sequence, order_holds_across_the_wrap) {
  const dam_seq before = dam_seq_of(0xfffffff0), after = dam_seq_of(0x10);
  EXPECT_TRUE(dam_seq_before(before, after));
  EXPECT_FALSE(dam_seq_before(after, before));
  EXPECT_FALSE(dam_seq_before(after, after));
  EXPECT_EQ(dam_seq_distance(before, after), 0x20);
  EXPECT_EQ(dam_seq_distance(after, before), -0x20);
  EXPECT_EQ(dam_seq_add(before, 0x20).value, after.value);
}

RC_GTEST_PROP(Sequence, a_delta_takes_one_side_to_the_other_and_back,
              (uint32_t from, uint32_t to)) {
  const dam_seq_delta delta = dam_seq_difference(dam_seq_of(to), dam_seq_of(from));
  RC_ASSERT(dam_seq_translate(dam_seq_of(from), delta).value == to);
  RC_ASSERT(dam_seq_untranslate(dam_seq_of(to), delta).value == from);
}

TEST(Address, ipv4_is_kept_mapped) {
  const dam_address a = to_dam(octets_v4(198, 51, 100, 7));
  EXPECT_TRUE(dam_address_is_v4(&a));
  const Bytes octets(reinterpret_cast<const uint8_t*>(&a),
                     reinterpret_cast<const uint8_t*>(&a + 1));
  EXPECT_EQ(hex(octets), "00000000000000000000ffffc6336407");
  const dam_address b = to_dam(octets_v6(1, 2));
  EXPECT_FALSE(dam_address_is_v4(&b));
  EXPECT_FALSE(dam_address_equal(&a, &b));
}

}  // namespace

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/siphash.h"

#include <gtest/gtest.h>

#include <cstring>

namespace {

// Key 00 01 … 0f, message 00 01 …; 2-4 from the authors' vectors_sip64, 1-3 from OpenSSL 3's
// SIPHASH with c-rounds 1 and d-rounds 3. Written as the 64-bit number, not as octets.
struct SipHashRow {
  unsigned words;
  uint64_t siphash24;
  uint64_t siphash13;
};
constexpr SipHashRow kSipHashRows[] = {
    {0, 0x726fdb47dd0e0e31, 0xabac0158050fc4dc}, {1, 0x93f5f5799a932462, 0x369095118d299a8e},
    {2, 0x3f2acc7f57c29bdb, 0xcc4fdd1a7d908b66}, {3, 0xb8ad50c6f649af94, 0xf464aeb267349c8c},
    {4, 0x7127512f72f27cce, 0x81157b6c16a7b60d}, {5, 0x0e3ea96b5304a7d0, 0xc1d2363299e41531},
    {7, 0xb78dbfaf3a8d83bd, 0xb4bcc0db243c6d75},
};

TEST(SipHash, equals_the_published_vectors) {
  uint8_t octets[64];
  for (int i = 0; i < 64; ++i) octets[i] = static_cast<uint8_t>(i);
  uint64_t key[2], words[8];
  std::memcpy(key, octets, sizeof(key));
  std::memcpy(words, octets, sizeof(words));
  for (const SipHashRow& row : kSipHashRows) {
    SCOPED_TRACE(row.words);
    EXPECT_EQ(dam_siphash24(key, words, row.words), row.siphash24);
    EXPECT_EQ(dam_siphash13(key, words, row.words), row.siphash13);
  }
}

TEST(SipHash, of_a_message_with_a_tail_of_two_octets) {
  uint8_t octets[24];
  for (int i = 0; i < 24; ++i) octets[i] = static_cast<uint8_t>(i);
  uint64_t key[2], words[3];
  std::memcpy(key, octets, sizeof(key));
  std::memcpy(words, octets, sizeof(words));
  EXPECT_EQ(dam_siphash24_tail(key, words, 2, 0x1110), 0x4bc1b3f0968dd39c);
}

// The value is that of the paper's algorithm, written down once more in another language.
TEST(SipHash, of_a_message_with_a_tail_of_four_octets) {
  uint8_t octets[16];
  for (int i = 0; i < 16; ++i) octets[i] = static_cast<uint8_t>(i);
  uint64_t key[2], words[1];
  std::memcpy(key, octets, sizeof(key));
  std::memcpy(words, octets, sizeof(words));
  EXPECT_EQ(dam_siphash24_tail32(key, words, 1, 0x0b0a0908), 0x751e8fbc860ee5fb);
}

}  // namespace

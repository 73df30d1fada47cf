// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/syn_cookie.h"

#include <random>
#include <set>

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

const dam_cookie_secrets kSecrets = {
    {{0x0123456789abcdef, 0xfedcba9876543210}, {0x1111222233334444, 0x5555666677778888}}, 0};

uint32_t origin = 0;  // for who does not ask for it

dam_flow_key flow_of(bool six) {
  const Address remote = six ? octets_v6(1, 2) : octets_v4(198, 51, 100, 7);
  const Address local = six ? octets_v6(3, 4) : octets_v4(203, 0, 113, 1);
  return {to_dam(remote), to_dam(local), dam_hton16(40000), dam_hton16(443)};
}

struct MssRow {
  uint16_t announced;
  uint16_t kept;
};
constexpr MssRow kMss[] = {{0, 536},     {535, 536},   {536, 536},   {1219, 536},  {1220, 1220},
                           {1300, 1300}, {1359, 1300}, {1360, 1360}, {1400, 1400}, {1440, 1440},
                           {1452, 1452}, {1459, 1452}, {1460, 1460}, {8960, 1460}, {65535, 1460}};

TEST(SynCookie, every_combination_of_options_comes_back) {
  for (bool six : {false, true}) {
    const dam_flow_key flow = flow_of(six);
    for (const MssRow& mss : kMss) {
      for (unsigned bits = 0; bits < 64; ++bits) {
        const dam_cookie_options in = {mss.announced, static_cast<uint8_t>(bits & 15),
                                       static_cast<uint8_t>(bits >> 4 & 1),
                                       static_cast<uint8_t>(bits >> 5)};
        const dam_seq isn = dam_seq_of(bits * 0x9e3779b9u);
        const dam_seq cookie = dam_syn_cookie_make(&kSecrets, &flow, isn, in, &origin);
        dam_cookie_options out = {};
        ASSERT_TRUE(dam_syn_cookie_check(&kSecrets, &flow, isn, cookie, &out, &origin));
        EXPECT_EQ(out.mss, mss.kept) << mss.announced;
        EXPECT_EQ(out.wscale, in.wscale);
        EXPECT_EQ(out.sack, in.sack);
        EXPECT_EQ(out.ecn, in.ecn);
      }
    }
  }
}

// How many changes of one bit, of cookie, ISN or addresses and ports, still pass.
int accepted_flips(const dam_flow_key& flow) {
  const dam_seq isn = dam_seq_of(77);
  const dam_seq cookie = dam_syn_cookie_make(&kSecrets, &flow, isn, {1460, 7, 1, 0}, &origin);
  dam_cookie_options out;
  int accepted = 0;
  for (int bit = 0; bit < 32; ++bit) {
    const dam_seq forged = dam_seq_of(cookie.value ^ 1u << bit);
    accepted += dam_syn_cookie_check(&kSecrets, &flow, isn, forged, &out, &origin);
    accepted +=
        dam_syn_cookie_check(&kSecrets, &flow, dam_seq_of(77 ^ 1u << bit), cookie, &out, &origin);
  }
  for (size_t i = 0; i < sizeof(flow); ++i) {
    dam_flow_key other = flow;
    reinterpret_cast<uint8_t*>(&other)[i] ^= 1;
    accepted += dam_syn_cookie_check(&kSecrets, &other, isn, cookie, &out, &origin);
  }
  return accepted;
}

TEST(SynCookie, no_flipped_bit_of_cookie_isn_or_flow_is_accepted) {
  EXPECT_EQ(accepted_flips(flow_of(false)), 0);
  EXPECT_EQ(accepted_flips(flow_of(true)), 0);
}

TEST(SynCookie, a_guess_passes_once_in_four_million) {
  const dam_flow_key flow = flow_of(false);
  dam_cookie_options out;
  std::mt19937 random(20220711);
  int accepted = 0;
  constexpr int kGuesses = 1 << 23;  // 2 are expected
  for (int i = 0; i < kGuesses; ++i) {
    accepted += dam_syn_cookie_check(&kSecrets, &flow, dam_seq_of(5),
                                     dam_seq_of(static_cast<uint32_t>(random())), &out, &origin);
  }
  EXPECT_LE(accepted, 8);
}

TEST(SynCookie, of_one_flow_and_isn_exactly_the_cookies_of_each_option_set_are_valid) {
  const dam_flow_key flow = flow_of(false);
  const dam_seq isn = dam_seq_of(99);
  std::set<uint32_t> cookies;
  for (uint32_t packed = 0; packed < 512; ++packed) {
    cookies.insert(
        dam_syn_cookie_make(&kSecrets, &flow, isn, dam_cookie_unpack(packed), &origin).value);
  }
  EXPECT_EQ(cookies.size(), 512u);
}

TEST(SynCookie, options_leave_no_pattern_in_the_sequence_number) {
  // Each bit but the secret's is set in about half of the cookies, though the options never change.
  int set[32] = {};
  constexpr int kRuns = 20000;
  for (int i = 0; i < kRuns; ++i) {
    dam_flow_key flow = flow_of(false);
    flow.remote_port = dam_hton16(static_cast<uint16_t>(i));
    const dam_seq cookie =
        dam_syn_cookie_make(&kSecrets, &flow, dam_seq_of(1), {1460, 7, 1, 0}, &origin);
    for (int bit = 0; bit < 31; ++bit) set[bit] += cookie.value >> bit & 1;
  }
  for (int bit = 0; bit < 31; ++bit) EXPECT_NEAR(set[bit], kRuns / 2.0, 500) << bit;
}

TEST(SynCookie, the_secret_before_is_honoured_once_and_the_one_before_that_is_not) {
  dam_cookie_secrets secrets = kSecrets;
  const dam_flow_key flow = flow_of(false);
  const dam_seq isn = dam_seq_of(123456);
  const dam_seq cookie = dam_syn_cookie_make(&secrets, &flow, isn, {1400, 15, 0, 1}, &origin);
  const uint64_t fresh[2] = {3, 4}, fresher[2] = {5, 6};
  dam_cookie_options out;
  dam_cookie_rotate(&secrets, fresh);
  EXPECT_TRUE(dam_syn_cookie_check(&secrets, &flow, isn, cookie, &out, &origin));
  const dam_seq later = dam_syn_cookie_make(&secrets, &flow, isn, {1400, 15, 0, 1}, &origin);
  EXPECT_NE(later.value >> 31, cookie.value >> 31);
  EXPECT_TRUE(dam_syn_cookie_check(&secrets, &flow, isn, later, &out, &origin));
  dam_cookie_rotate(&secrets, fresher);
  EXPECT_FALSE(dam_syn_cookie_check(&secrets, &flow, isn, cookie, &out, &origin));
  EXPECT_TRUE(dam_syn_cookie_check(&secrets, &flow, isn, later, &out, &origin));
}

TEST(SynCookie, the_origin_of_the_clock_comes_back_with_the_cookie_and_is_another_one_each_time) {
  std::set<uint32_t> origins;
  for (uint32_t i = 0; i < 100; ++i) {
    for (const bool six : {false, true}) {
      const dam_flow_key flow = flow_of(six);
      uint32_t given = 0, found = 0;
      const dam_seq cookie =
          dam_syn_cookie_make(&kSecrets, &flow, dam_seq_of(i), {1460, 7, 1, 0}, &given);
      dam_cookie_options out;
      ASSERT_TRUE(dam_syn_cookie_check(&kSecrets, &flow, dam_seq_of(i), cookie, &out, &found));
      EXPECT_EQ(found, given);
      EXPECT_TRUE(origins.insert(given).second);
    }
  }
}

}  // namespace

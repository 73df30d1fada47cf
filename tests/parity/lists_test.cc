// SPDX-License-Identifier: BSD-3-Clause
// The kernel's plane reads the engine's sets of prefixes in its own way: few and many, of both
// families, asked about their edges, inside, outside and beside them.
#include <gtest/gtest.h>

#include <vector>

#include "tests/parity/dice.h"
#include "tests/parity/wire.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

dam_address shifted(dam_address address, int by) {  // the next or the one before
  for (int word = 3; word >= 0 && by != 0; --word) {
    const uint32_t value = __builtin_bswap32(address.word[word]);
    address.word[word] = __builtin_bswap32(value + static_cast<uint32_t>(by));
    if (by > 0 ? value != UINT32_MAX : value != 0) return address;
  }
  return address;
}

// The lowest or the highest address of a prefix.
dam_address edge(const SourcePrefix& prefix, bool high) {
  dam_address address = prefix.address;
  for (uint32_t bit = prefix.prefix_bits; bit < 128; ++bit) {
    const uint32_t mask = __builtin_bswap32(1u << (31 - bit % 32));
    if (high) {
      address.word[bit / 32] |= mask;
    } else {
      address.word[bit / 32] &= ~mask;
    }
  }
  return address;
}

// Close to each other, so that their /20s hold several and their edges meet.
SourcePrefix random_prefix(Dice& dice, bool four) {
  const auto random = static_cast<uint32_t>(dice.next());
  if (four) {
    const uint32_t host = 0x65000000u | (random & 0x0003ffffu);  // 101.0.0.0/14
    return {dam_address_v4(__builtin_bswap32(host)),
            static_cast<uint8_t>(dice.of<uint32_t>({128, 128, 127, 124, 120, 116, 112}))};
  }
  return {{{__builtin_bswap32(0x20010db8u), __builtin_bswap32(random & 0x1fu),
            static_cast<uint32_t>(dice.next()) & 0x01000001u, __builtin_bswap32(dice.below(64))}},
          static_cast<uint8_t>(dice.of<uint32_t>({128, 128, 127, 120, 96, 64, 48}))};
}

void ask_about(SmallSite& site, const PrefixSet& set, const dam_address& address,
               dam_drop_reason reason = DAM_DROP_denied) {
  WireSegment syn;
  syn.src = address;
  syn.dst = dam_address_is_v4(&address) ? kPublic : kPublicV6;
  syn.src_port = 40000;
  syn.dst_port = 443;
  syn.flags = DAM_TCP_SYN;
  const uint64_t before = site.drops(reason);
  site.send_raw(kFrontPort, write_frame(syn));
  EXPECT_EQ(site.drops(reason) - before, set.contains(address) ? 1u : 0u);
}

void compare_set(SmallSite& site, Dice& dice, uint32_t v4_prefixes, uint32_t v6_prefixes) {
  std::vector<SourcePrefix> prefixes;
  for (uint32_t i = 0; i < v4_prefixes; ++i) prefixes.push_back(random_prefix(dice, true));
  for (uint32_t i = 0; i < v6_prefixes; ++i) prefixes.push_back(random_prefix(dice, false));
  const bool bans = dice.one_in(2);
  Policy policy = site.draft();
  PrefixSet& set = bans ? policy.bans : policy.deny;
  set = PrefixSet(prefixes);
  site.apply(policy);
  site.advance(5'000'000);
  for (int i = 0; i < 100; ++i) {
    SourcePrefix near = random_prefix(dice, dice.one_in(2));
    if (!prefixes.empty() && !dice.one_in(4)) {
      near = prefixes[dice.below(static_cast<uint32_t>(prefixes.size()))];
    }
    const dam_address address = edge(near, dice.one_in(2));
    ask_about(site, set, shifted(address, static_cast<int>(dice.below(3)) - 1),
              bans ? DAM_DROP_source_banned : DAM_DROP_denied);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Lists, TheKernelFindsInAListWhatTheEngineFindsInIt) {
  SmallSite site(SmallSite::small_limits(), SmallSite::Tables::engines, {make_front, true});
  for (uint32_t seed = 0; seed < 120 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const bool many = seed % 8 == 7;
    const uint32_t v4_prefixes = dice.below(many ? 3000 : 33);
    compare_set(site, dice, v4_prefixes, dice.below(many ? 1000 : 12));
  }
}

TEST(Lists, EverythingAndNothing) {
  SmallSite site(SmallSite::small_limits(), SmallSite::Tables::engines, {make_front, true});
  for (const uint8_t bits : {uint8_t{0}, uint8_t{96}}) {  // all; all of IPv4
    Policy policy = site.draft();
    const std::vector<SourcePrefix> prefixes = {{v4(0, 0, 0, 0), bits}};
    policy.deny = PrefixSet(prefixes);
    site.apply(policy);
    site.advance(5'000'000);
    ask_about(site, policy.deny, v4(101, 0, 0, 1));
    ask_about(site, policy.deny, v6(0x51, 1));
  }
}

}  // namespace
}  // namespace dam::test

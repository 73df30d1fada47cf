// SPDX-License-Identifier: BSD-3-Clause
// The property: whatever clients, servers and strangers do under whatever policies, the engine
// alone and the engine behind the kernel's plane do the same, remember the same and count the same.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/parity/conversations.h"

namespace dam::test {
namespace {

// The same conversations each time, so that a change is what makes the test fail. For more of
// them, others each time: RC_PARAMS="max_success=100000" (RapidCheck prints the seed).
const int kRuns = setenv("RC_PARAMS", "max_success=100 max_size=400 seed=20261128", 0);

rc::Gen<Act> any_act() {
  return rc::gen::weightedElement<Act>({{2, Act::wait},
                                        {8, Act::stand},
                                        {3, Act::syn},
                                        {3, Act::acknowledge},
                                        {2, Act::hello},
                                        {2, Act::bad_cookie},
                                        {2, Act::server_syn_ack},
                                        {2, Act::server_ack},
                                        {12, Act::client_data},
                                        {12, Act::server_data},
                                        {2, Act::client_ends},
                                        {2, Act::server_ends},
                                        {3, Act::icmp_error},
                                        {3, Act::stranger},
                                        {3, Act::again},
                                        {3, Act::policy},
                                        {1, Act::rotate_secret},
                                        {1, Act::learn}});
}

rc::Gen<Twist> any_twist() {
  return rc::gen::mapcat(rc::gen::inRange(0, 3), [](int choice) {
    if (choice != 2) return rc::gen::just(Twist::none);
    return rc::gen::map(rc::gen::inRange(0, static_cast<int>(Twist::count)),
                        [](int i) { return static_cast<Twist>(i); });
  });
}

// Few speakers, so that they meet their buckets and each other's connections. At full size, or
// RapidCheck would leave out the last of them, and of the twists.
rc::Gen<Step> any_step() {
  return rc::gen::resize(
      rc::kNominalSize,
      rc::gen::build<Step>(rc::gen::set(&Step::act, any_act()),
                           rc::gen::set(&Step::twist, any_twist()),
                           rc::gen::set(&Step::who, rc::gen::inRange<uint8_t>(0, 12)),
                           rc::gen::set(&Step::details, rc::gen::arbitrary<uint32_t>())));
}

RC_GTEST_PROP(Planes, agree_on_any_conversation_under_any_policy, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
  Twins twins;
  Conversations conversations(twins);
  for (size_t i = 0; i < steps.size(); ++i) {
    conversations.take(steps[i]);
    if (!twins.difference().empty()) {
      RC_FAIL("step " + std::to_string(i) + ": " + twins.difference());
    }
  }
}

}  // namespace
}  // namespace dam::test

// SPDX-License-Identifier: BSD-3-Clause
// A zone's rate is changed under a source that has used the old one up.
#include <gtest/gtest.h>

#include "dataplane/core/gcra.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

bool connects(SmallSite& site, uint16_t port) {
  ClientSide client;
  client.port = port;
  return establish(site, client, "www.example.org").has_value();
}

TEST(RateChange, AFasterRateIsFeltAtOnceByASourceThatHadFilledTheSlowOne) {
  SmallSite site;
  Policy policy = site.draft();
  dam_gcra_rate& rate = policy.zones[kServiceZone].per_source[DAM_DIM_connections];
  policy.zones[kServiceZone].exceeded = Exceeded::reset;
  rate = dam_gcra_rate_of(1, 1);  // one in a thousand seconds
  site.apply(policy);
  EXPECT_TRUE(connects(site, 41000));
  EXPECT_FALSE(connects(site, 41001));
  rate = dam_gcra_rate_of(10'000, 5);
  site.apply(policy);
  EXPECT_FALSE(connects(site, 41002)) << "the new bucket starts empty";
  site.advance(105'000'000);
  EXPECT_TRUE(connects(site, 41003));
  EXPECT_FALSE(connects(site, 41004));
}

}  // namespace
}  // namespace dam::test

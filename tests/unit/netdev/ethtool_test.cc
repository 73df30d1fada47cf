// SPDX-License-Identifier: BSD-3-Clause
// On the loopback device, which every machine has; switching is the lab's.
#include "dataplane/drivers/netdev/ethtool.h"

#include <gtest/gtest.h>

#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/offloads.h"

namespace dam {
namespace {

TEST(Ethtool, reads_features_by_name) {
  const auto features = features_of("lo");
  ASSERT_TRUE(features.count("loopback")) << features.size() << " features";
  EXPECT_TRUE(features.at("loopback").on);
  EXPECT_FALSE(features.at("loopback").changeable);
  for (const Offload& offload : kOffloads) {
    EXPECT_TRUE(features.count(offload.feature))
        << offload.feature << " is no name of the kernel's";
  }
}

TEST(Ethtool, says_nothing_of_devices_that_are_not_there) {
  EXPECT_TRUE(features_of("nowhere0").empty());
  EXPECT_TRUE(features_of("a-name-longer-than-the-kernel-takes").empty());
  EXPECT_EQ(driver_of("nowhere0"), "");
  EXPECT_FALSE(inspect_interface("nowhere0").exists);
  EXPECT_EQ(offloads_on("nowhere0", kAlwaysOff), 0u);
}

TEST(Ethtool, a_feature_that_cannot_be_switched_stays_and_says_so) {
  EXPECT_FALSE(switch_feature("lo", "loopback", false));
  EXPECT_TRUE(features_of("lo").at("loopback").on);
  EXPECT_TRUE(switch_feature("lo", "no-such-feature", false));
  EXPECT_FALSE(switch_feature("lo", "no-such-feature", true));
}

TEST(Offloads, are_named_as_one_types_them) {
  EXPECT_EQ(names_of_offloads(kGro | kVlanParse), "gro, rxvlan");
  EXPECT_EQ(command_against("eth0", kLro | kVlanFilter),
            "ethtool -K eth0 lro off rx-vlan-filter off");
}

}  // namespace
}  // namespace dam

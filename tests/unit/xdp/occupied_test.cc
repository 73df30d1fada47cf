// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/occupied.h"

#include <gtest/gtest.h>

namespace dam {
namespace {

constexpr int kUs = 100;

TEST(Occupied, an_empty_device_is_free) {
  EXPECT_EQ(occupied("eth0", std::nullopt, kUs, Beside::nobody), "");
}

TEST(Occupied, the_dams_own_program_is_no_obstacle_unless_another_dataplane_holds_it) {
  XdpProgram program{7, false, "dam_xdp", {}, {}};
  EXPECT_EQ(occupied("eth0", program, kUs, Beside::nobody), "");  // left by one that is gone
  program.held_by = {{"dam-dataplane", kUs}, {"bpftool", 5}};
  EXPECT_EQ(occupied("eth0", program, kUs, Beside::nobody), "");
  program.held_by.push_back({"dam-dataplane", 17});
  const std::string text = occupied("eth0", program, kUs, Beside::nobody);
  EXPECT_NE(text.find("Another dam-dataplane has eth0: process 17."), std::string::npos) << text;
}

TEST(Occupied, somebody_elses_program_is_named_with_the_way_to_remove_it) {
  const XdpProgram program{7, false, "xdp_pass", {"/sys/fs/bpf/x"}, {{"filter", 9}}};
  const std::string text = occupied("eth0", program, kUs, Beside::nobody);
  for (const char* part :
       {"xdp_pass (id 7, native)", "pinned as /sys/fs/bpf/x", "held by filter (pid 9)",
        "ip link set dev eth0 xdp off", "rm /sys/fs/bpf/x"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  const std::string generic =
      occupied("eth0", XdpProgram{7, true, "xdp_pass", {}, {}}, kUs, Beside::nobody);
  EXPECT_NE(generic.find("xdpgeneric off"), std::string::npos) << generic;
}

TEST(Occupied, a_dispatcher_is_joined_if_asked_and_else_named_with_how_to_ask) {
  const XdpProgram dispatcher{7, false, "xdp_dispatcher", {}, {}};
  EXPECT_EQ(occupied("eth0", dispatcher, kUs, Beside::others), "");
  const std::string text = occupied("eth0", dispatcher, kUs, Beside::nobody);
  EXPECT_NE(text.find("xdp: {beside_others: true} in dam.yaml"), std::string::npos) << text;
}

TEST(Occupied, nobody_lives_beside_a_program_without_a_dispatcher) {
  const XdpProgram program{7, false, "xdp_pass", {}, {}};
  const std::string text = occupied("eth0", program, kUs, Beside::others);
  for (const char* part : {"xdp_pass (id 7, native)", "without libxdp's dispatcher",
                           "xdp-loader load eth0", "ip link set dev eth0 xdp off"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

TEST(Occupied, what_may_not_be_looked_at_is_left_to_the_kernel) {
  EXPECT_EQ(occupied("eth0", XdpProgram{7, false, "", {}, {}}, kUs, Beside::nobody), "");
}

}  // namespace
}  // namespace dam

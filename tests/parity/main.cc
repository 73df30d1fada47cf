// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;  // tests/parity/CMakeLists.txt
  if (geteuid() != 0) {
    std::puts("Skipped: loading a BPF program needs root.");
    return kSkipped;
  }
  // Not what has no other plane, threads (one call of the kernel's at a time), and what ctest runs
  // by itself.
  GTEST_FLAG_SET(filter,
                 "-Neighbours.*:Answers.*:FlowIndex.*:SourceTable*:TimerWheel.*:PortPool.*:"
                 "PrefixSet.*:Router.*:Client*:HttpHead.*:ProxyHeader.*:Planes.*:"
                 "Gcra.stays_exact_when_threads_share_a_bucket");
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

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
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

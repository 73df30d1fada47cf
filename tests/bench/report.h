// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks report, the same for each of them.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace dam::bench {

struct Timed {
  double ns = 0;
  uint64_t units = 0;
};

double tsc_ghz();  // how many cycles the time stamp counter counts in a nanosecond
void report(benchmark::State& state, const Timed& timed);

// --flows=N: fewer live flows than a million, to see quickly whether everything still works.
uint32_t take_flows_option(int& argc, char** argv);

}  // namespace dam::bench

// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks report, the same for each of them.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "tests/bench/site.h"

namespace dam::bench {

struct Timed {
  double ns = 0;
  uint64_t units = 0;
};

// That this thread alone has had, whatever else runs on its core now and then.
uint64_t cpu_ns();

double tsc_ghz();  // how many cycles the time stamp counter counts in a nanosecond
void report(benchmark::State& state, const Timed& timed);

// Takes --flows=N and the others like it out of the command line.
Sizes take_sizes(int& argc, char** argv);

}  // namespace dam::bench

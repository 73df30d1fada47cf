// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/report.h"

#include <x86intrin.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace dam::bench {
namespace {

double measure_tsc_ghz() {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t start_cycles = __rdtsc();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(200)) {
  }
  const uint64_t cycles = __rdtsc() - start_cycles;
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(cycles) / took.count();
}

}  // namespace

double tsc_ghz() {
  static const double ghz = measure_tsc_ghz();
  return ghz;
}

void report(benchmark::State& state, const Timed& timed) {
  const double ns = timed.ns / static_cast<double>(timed.units);
  state.counters["ns_per_packet"] = ns;
  state.counters["cycles_per_packet"] = ns * tsc_ghz();
  state.counters["Mpps"] = 1000 / ns;
}

uint32_t take_flows_option(int& argc, char** argv) {
  uint32_t flows = 1'000'000;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--flows=", 8) == 0) {
      flows = static_cast<uint32_t>(std::strtoul(argv[i] + 8, nullptr, 10));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  return flows;
}

}  // namespace dam::bench

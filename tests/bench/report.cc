// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/report.h"

#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

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

uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

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

Sizes take_sizes(int& argc, char** argv) {
  Sizes sizes;
  const std::pair<std::string_view, uint32_t*> options[] = {
      {"--flows=", &sizes.flows},   {"--zones=", &sizes.zones}, {"--names=", &sizes.names},
      {"--denied=", &sizes.denied}, {"--bans=", &sizes.bans},   {"--rings=", &sizes.rings}};
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const auto option = std::ranges::find_if(
        options, [&](const auto& one) { return std::string_view(argv[i]).starts_with(one.first); });
    if (option == std::end(options)) {
      argv[kept++] = argv[i];
    } else {
      *option->second =
          static_cast<uint32_t>(std::strtoul(argv[i] + option->first.size(), nullptr, 10));
    }
  }
  argc = kept;
  return sizes;
}

}  // namespace dam::bench

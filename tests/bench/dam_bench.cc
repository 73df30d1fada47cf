// SPDX-License-Identifier: BSD-3-Clause
// The packet path on one core, timed with Google Benchmark: the real engine, frames in memory.
//
// The frames of a ring (4,096) are written first and not timed; then the engine takes them in
// bursts of 32, and that is timed. By then a frame's header lies in a cache beyond the first, as
// behind a NIC that writes into the last-level cache. The time includes the timers (a tick each
// simulated millisecond) and what a driver does with the engine's lists; `harness` is that alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "tests/bench/report.h"
#include "tests/bench/scenes.h"

namespace {

using dam::Frame;
using dam::kBurst;
using dam::bench::cpu_ns;
using dam::bench::report;
using dam::bench::Scene;
using dam::bench::Timed;
using dam::bench::tsc_ghz;
using dam::bench::World;

constexpr uint64_t kSilenceEndsNs = 15'000'000'000;
constexpr uint32_t kExtraFlows = 1u << 16;  // clients that come and go beside the live flows

// Not inlined, so that a profiler can count what is timed, and that alone.
[[gnu::noinline]] void run_ring(World& world, std::span<Frame> frames, Timed& timed) {
  const uint64_t start_ns = cpu_ns();
  for (size_t i = 0; i < frames.size(); i += kBurst) {
    world.burst(frames.subspan(i, std::min<size_t>(kBurst, frames.size() - i)));
  }
  timed.ns += static_cast<double>(cpu_ns() - start_ns);
}

std::string one_ring(World& world, const Scene& scene, Timed& timed) {
  std::vector<Frame> frames = world.take_frames(scene.frames);
  scene.fill(world, frames);
  run_ring(world, frames, timed);
  return scene.settle(world);
}

// Until a ring does what the scene is about (buckets must be empty first), and as long again, so
// that it is not on the brink; else what is wrong.
std::string warm_up(World& world, const Scene& scene) {
  Timed ignored;
  int rings = 1;
  std::string wrong = one_ring(world, scene, ignored);
  for (; !wrong.empty() && rings < 500; ++rings) wrong = one_ring(world, scene, ignored);
  for (; wrong.empty() && rings > 1; --rings) one_ring(world, scene, ignored);
  return wrong;
}

void measure(benchmark::State& state, World& world, const Scene& scene, bool& failed) {
  world.apply(scene.policy);
  std::string wrong = warm_up(world, scene);
  Timed timed;
  while (wrong.empty() && state.KeepRunningBatch(scene.units)) {
    state.PauseTiming();
    std::vector<Frame> frames = world.take_frames(scene.frames);
    scene.fill(world, frames);
    state.ResumeTiming();
    run_ring(world, frames, timed);
    state.PauseTiming();
    timed.units += scene.units;
    wrong = scene.settle(world);
    state.ResumeTiming();
  }
  if (!wrong.empty()) {
    failed = true;
    // Said here too: with repetitions the library gives up before it comes to print the error.
    std::fprintf(stderr, "%s: %s; drops so far:\n", scene.name.c_str(), wrong.c_str());
    world.report_drops();
    state.SkipWithError(wrong.c_str());
  } else {
    report(state, timed);
  }
}

// Empty bursts: what the loop around the engine costs for each packet.
void measure_harness(benchmark::State& state, World& world) {
  Timed timed;
  while (state.KeepRunningBatch(128 * kBurst)) {
    const uint64_t start_ns = cpu_ns();
    for (int i = 0; i < 128; ++i) world.burst({});
    timed.ns += static_cast<double>(cpu_ns() - start_ns);
    timed.units += 128 * kBurst;
  }
  world.settle(false);
  // Simulated seconds in which nobody answered probes and ARP: the servers count as down by now.
  world.advance(kSilenceEndsNs);
  report(state, timed);
}

int run(int argc, char** argv) {
  const dam::bench::Sizes sizes = dam::bench::take_sizes(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  World world(sizes, kExtraFlows);
  benchmark::AddCustomContext("tsc_ghz", std::to_string(tsc_ghz()));
  benchmark::AddCustomContext("live_flows", std::to_string(sizes.flows));
  benchmark::AddCustomContext("sources", std::to_string(dam::bench::kSources));
  bool failed = false;
  for (const Scene& scene : dam::bench::make_scenes(world)) {
    benchmark::RegisterBenchmark(scene.name.c_str(), [&world, &failed, scene](benchmark::State& s) {
      measure(s, world, scene, failed);
    });
  }
  benchmark::RegisterBenchmark("harness",
                               [&world](benchmark::State& s) { measure_harness(s, world); });
  benchmark::RunSpecifiedBenchmarks();
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dam_bench: %s\n", error.what());
    return 1;
  }
}

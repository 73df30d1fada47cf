// SPDX-License-Identifier: BSD-3-Clause
// Two workers of one engine, each on a core of its own with connections of its own: what a packet
// costs each of them alone and beside the other, by how much of their buckets they share.
#include <pthread.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/bench/report.h"
#include "tests/bench/scenes.h"

namespace {

using dam::Frame;
using dam::kBurst;
using dam::bench::cpu_ns;
using dam::bench::Scene;
using dam::bench::SiteOptions;
using dam::bench::Sizes;
using dam::bench::World;

constexpr uint32_t kRounds = 5;

void pin(uint32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

uint64_t ring_ns(World& world, const Scene& scene) {
  std::vector<Frame> frames = world.take_frames(scene.frames);
  scene.fill(world, frames);
  const uint64_t began_ns = cpu_ns();
  for (size_t i = 0; i < frames.size(); i += kBurst) {
    world.burst(std::span(frames).subspan(i, kBurst));
  }
  const uint64_t took_ns = cpu_ns() - began_ns;
  const std::string wrong = scene.settle(world);
  if (!wrong.empty()) {
    world.report_drops();
    throw std::runtime_error(wrong + " by worker " +
                             std::to_string(world.first_flow() / world.live_flows()));
  }
  return took_ns;
}

// ns for each packet of each of the workers, which begin together.
std::vector<double> run(std::vector<World*> worlds, const SiteOptions& options) {
  const uint32_t rings = worlds[0]->sizes().rings;
  std::vector<double> ns(worlds.size());
  std::barrier begin(static_cast<std::ptrdiff_t>(worlds.size()));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < worlds.size(); ++i) {
    threads.emplace_back([&, i] {
      pin(static_cast<uint32_t>(i));
      Scene scene = splice(*worlds[i]);
      scene.policy = worlds[i]->policy_with(options);
      ring_ns(*worlds[i], scene);
      begin.arrive_and_wait();
      uint64_t took_ns = 0;
      for (uint32_t ring = 0; ring < rings; ++ring) took_ns += ring_ns(*worlds[i], scene);
      ns[i] = static_cast<double>(took_ns) / rings / scene.units;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return ns;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(const char* what, World& first, World& second, const SiteOptions& options) {
  first.apply(first.policy_with(options));
  second.catch_up(first);
  second.advance(1'000'000);  // it takes the policy up, too
  std::vector<double> alone, beside;
  for (uint32_t round = 0; round < kRounds; ++round) {
    first.catch_up(second);
    alone.push_back(run({&first}, options)[0]);
    second.catch_up(first);
    for (const double ns : run({&first, &second}, options)) beside.push_back(ns);
  }
  std::printf("{\"shared\": \"%s\", \"alone_ns\": %.1f, \"beside_ns\": %.1f}\n", what,
              median(alone), median(beside));
  std::fflush(stdout);
}

void run_all(int argc, char** argv) {
  Sizes sizes = dam::bench::take_sizes(argc, argv);
  sizes.workers = 2;
  World first(sizes, 0), second(first, 1);
  measure("nothing", first, second, {.totals = false});
  measure("totals", first, second, {});
  measure("totals and source", first, second, {.one_source = true});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run_all(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "workers_bench: %s\n", error.what());
    return 1;
  }
}

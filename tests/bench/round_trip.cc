// SPDX-License-Identifier: BSD-3-Clause
// How long one cache line takes from one core to another and back, in ns: two threads, one on each
// core, pass a number to and fro. It tells how near the host has put two virtual cores, which
// decides what a ring between two processes can carry. usage: round_trip [CORE CORE]
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr uint32_t kTrips = 1000;
constexpr int kRounds = 1001;

struct alignas(64) Line {
  std::atomic<uint32_t> value{0};
};

void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    std::fprintf(stderr, "round_trip: no core %d\n", core);
    std::exit(2);
  }
}

void wait_for(const Line& line, uint32_t value) {
  while (line.value.load(std::memory_order_acquire) != value) __builtin_ia32_pause();
}

// One round: odd numbers go out, even ones come back.
double round_ns(Line& line) {
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 1; i <= kTrips; ++i) {
    line.value.store(2 * i - 1, std::memory_order_release);
    wait_for(line, 2 * i);
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  line.value.store(0);
  return took.count() / kTrips;
}

void echo(Line& line, int core) {
  pin(core);
  for (int round = 0; round < kRounds; ++round) {
    for (uint32_t i = 1; i <= kTrips; ++i) {
      wait_for(line, 2 * i - 1);
      line.value.store(2 * i, std::memory_order_release);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int first = argc > 2 ? std::atoi(argv[1]) : 0;
  const int second = argc > 2 ? std::atoi(argv[2]) : 1;
  Line line;
  std::thread other(echo, std::ref(line), second);
  pin(first);
  std::vector<double> rounds;
  rounds.reserve(kRounds);
  for (int i = 0; i < kRounds; ++i) rounds.push_back(round_ns(line));
  other.join();
  std::sort(rounds.begin(), rounds.end());
  std::printf("%.1f\n", rounds[kRounds / 2]);
}

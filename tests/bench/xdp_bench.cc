// SPDX-License-Identifier: BSD-3-Clause
// The XDP program in the kernel, timed by BPF_PROG_TEST_RUN, beside bare programs that do nothing
// and a plain rate limit.
//
// The kernel repeats a program on one frame, and the dam translates frames in place: so a small
// program (bench_next) copies the next prepared frame over it each time and jumps to the dam's,
// which is the one in service, with its own clock. `xdp/harness` is that small program with a bare
// XDP_DROP behind it; what it takes more than the bare XDP_DROP alone is the copying.
#include <benchmark/benchmark.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <string>

#include "tests/bench/kernel_site.h"
#include "tests/bench/scenes.h"

namespace {

using dam::Frame;
using dam::bench::Devices;
using dam::bench::KernelSite;
using dam::bench::kRing;
using dam::bench::Mac;
using dam::bench::Outcome;
using dam::bench::Scene;
using dam::bench::Sizes;
using dam::bench::Timed;
using dam::bench::Yardsticks;

constexpr uint32_t kFewFlows = 1000;
constexpr int kSkipped = 77;  // tests/bench/CMakeLists.txt

// What came of a ring, by the kernel's own counters.
struct Seen {
  dam_worker_counters counters{};
  uint64_t climbed = 0;
  Outcome last;
  uint64_t spliced() const {
    uint64_t sum = 0;
    for (const dam_zone_counters& zone : counters.zones) sum += zone.packets[0] + zone.packets[1];
    return sum;
  }
  uint64_t drops(dam_drop_reason reason) const {
    uint64_t sum = 0;
    for (const dam_zone_counters& zone : counters.zones) sum += zone.drops[reason];
    return sum;
  }
  bool last_goes_to(const Mac& mac) const {
    return last.frame.size() >= 14 && std::memcmp(last.frame.data(), mac.data(), mac.size()) == 0;
  }
};

using Check = std::function<bool(const Seen&)>;

bool all_spliced(const Seen& seen) {
  return seen.spliced() == kRing && seen.counters.tx_packets == kRing && seen.climbed == 0 &&
         seen.last.verdict == XDP_REDIRECT &&
         seen.last_goes_to(dam::bench::kPeerMac[dam::bench::kFrontPort]);
}
bool all_answered(const Seen& seen) {
  return seen.counters.cookies_sent == kRing && seen.counters.tx_packets == kRing &&
         seen.last.verdict == XDP_TX &&
         seen.last_goes_to(dam::bench::kPeerMac[dam::bench::kFrontPort]);
}
bool all_denied(const Seen& seen) {
  return seen.drops(DAM_DROP_denied) == kRing && seen.last.verdict == XDP_DROP;
}
bool nearly_all_over_bucket(const Seen& seen) {  // now and then one is within it
  const uint64_t over = seen.drops(DAM_DROP_source_packets);
  return over >= kRing / 100 * 99 && over + seen.spliced() == kRing && seen.climbed == 0;
}

class Bench {
 public:
  explicit Bench(const Sizes& sizes)
      : few_(devices_, few(sizes)), many_(devices_, sizes), memory_(size_t{kRing} * kStride) {
    for (uint32_t i = 0; i < kRing; ++i) {
      Frame frame;
      frame.data = &memory_[size_t{i} * kStride];
      frames_.push_back(frame);
    }
    fill_plain();
  }

  void add_all() {
    add("xdp/splice/1k", few_, splice(few_.world()), all_spliced);
    add("xdp/splice/1M", many_, splice(many_.world()), all_spliced);
    add("xdp/splice/requests", many_, splice_requests(many_.world()), all_spliced);
    add("xdp/syn_cookie", few_, syn_cookie(few_.world()), all_answered);
    add("xdp/syn_cookie/1M", many_, syn_cookie(many_.world()), all_answered);
    add("xdp/banned", many_, banned(many_.world()), all_denied);
    add("xdp/over_bucket", few_, over_bucket(few_.world()), nearly_all_over_bucket);
    add("xdp/over_bucket/1M", many_, over_bucket(many_.world()), nearly_all_over_bucket);
    add_plain("xdp/lru_bucket", yardsticks_.lru_bucket_fd(), XDP_TX);
    add_plain("xdp/miss", yardsticks_.miss_fd(), XDP_DROP);
    add_plain("xdp/bare_drop", yardsticks_.drop_fd(), XDP_DROP);
    add_plain("xdp/bare_tx", yardsticks_.tx_fd(), XDP_TX);
    benchmark::RegisterBenchmark("xdp/harness", [this](benchmark::State& s) { harness(s); });
  }

  bool failed() const { return failed_; }

 private:
  static constexpr uint32_t kStride = 128;

  static Sizes few(Sizes sizes) {
    sizes.flows = kFewFlows;
    return sizes;
  }

  void add(const std::string& name, KernelSite& site, const Scene& scene, const Check& right) {
    benchmark::RegisterBenchmark(name.c_str(), [this, &site, scene, right](benchmark::State& s) {
      measure(s, site, scene, right);
    });
  }

  void add_plain(const std::string& name, int program_fd, uint32_t verdict) {
    benchmark::RegisterBenchmark(
        name.c_str(), [=, this](benchmark::State& s) { measure_plain(s, program_fd, verdict); });
  }

  bool one_ring(KernelSite& site, const Scene& scene, const Check& right, Timed& timed) {
    scene.fill(site.world(), frames_);
    const uint64_t climbed = site.climbed();
    (void)site.counted();
    Seen seen;
    seen.last = yardsticks_.feed(site.program_fd(), devices_, frames_, timed);
    seen.counters = site.counted();
    seen.climbed = site.climbed() - climbed;
    last_ring_ = seen;
    return right(seen);
  }

  // Buckets must be empty before packets can be over them.
  bool warm_up(KernelSite& site, const Scene& scene, const Check& right) {
    Timed ignored;
    for (int rings = 0; rings < 100; ++rings) {
      if (one_ring(site, scene, right, ignored)) return true;
    }
    return false;
  }

  void measure(benchmark::State& state, KernelSite& site, const Scene& scene, const Check& right) {
    site.put_in_force(scene.policy);
    bool fine = warm_up(site, scene, right);
    Timed timed;
    while (fine && state.KeepRunningBatch(kRing)) fine = one_ring(site, scene, right, timed);
    if (!fine) explain(last_ring_);
    end(state, timed, fine);
  }

  void measure_plain(benchmark::State& state, int program_fd, uint32_t verdict) {
    Timed timed, ignored;
    bool fine = true;
    for (int i = 0; i < 16; ++i) {  // memory that was never touched costs more than a miss
      Yardsticks::repeat(program_fd, devices_.ifindex(0), {frames_[0].data, frames_[0].bytes},
                         kRing, ignored);
    }
    while (fine && state.KeepRunningBatch(kRing)) {
      const Outcome outcome = Yardsticks::repeat(program_fd, devices_.ifindex(0),
                                                 {frames_[0].data, frames_[0].bytes}, kRing, timed);
      fine = outcome.verdict == verdict;
    }
    end(state, timed, fine);
  }

  void harness(benchmark::State& state) {
    Timed timed;
    bool fine = true;
    fill_plain();
    while (fine && state.KeepRunningBatch(kRing)) {
      const Outcome last = yardsticks_.feed(yardsticks_.drop_fd(), devices_, frames_, timed);
      const Frame& frame = frames_.back();
      fine =
          last.verdict == XDP_DROP && std::memcmp(last.frame.data(), frame.data, frame.bytes) == 0;
    }
    end(state, timed, fine);
  }

  void fill_plain() { over_bucket(few_.world()).fill(few_.world(), frames_); }  // all of one port

  // What the kernel counted of the last ring, for whoever looks for the reason.
  static void explain(const Seen& seen) {
    std::fprintf(stderr,
                 "verdict %u, %llu spliced, %llu answered, %llu climbed; drops:", seen.last.verdict,
                 static_cast<unsigned long long>(seen.spliced()),
                 static_cast<unsigned long long>(seen.counters.cookies_sent),
                 static_cast<unsigned long long>(seen.climbed));
#define X(name, text)                                     \
  if (const uint64_t count = seen.drops(DAM_DROP_##name)) \
    std::fprintf(stderr, " %llu %s", static_cast<unsigned long long>(count), #name);
    DAM_DROP_REASONS(X)
#undef X
    std::fputc('\n', stderr);
  }

  void end(benchmark::State& state, const Timed& timed, bool fine) {
    if (fine) return dam::bench::report(state, timed);
    failed_ = true;
    state.SkipWithError("the program did something else");
  }

  Devices devices_;
  Yardsticks yardsticks_;
  KernelSite few_, many_;
  std::vector<uint8_t> memory_;
  std::vector<Frame> frames_;
  Seen last_ring_;
  bool failed_ = false;
};

int run(int argc, char** argv) {
  const dam::bench::Sizes sizes = dam::bench::take_sizes(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  Bench bench(sizes);
  benchmark::AddCustomContext("tsc_ghz", std::to_string(dam::bench::tsc_ghz()));
  benchmark::AddCustomContext("live_flows", std::to_string(sizes.flows));
  bench.add_all();
  benchmark::RunSpecifiedBenchmarks();
  return bench.failed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (geteuid() != 0) {
    std::fputs("xdp_bench: left out: loading a BPF program needs root (sudo tools/bench)\n",
               stderr);
    return kSkipped;
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "xdp_bench: %s\n", error.what());
    return 1;
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// simulation: runs seeds, some of them one after the other in a process of their own: lwIP is one
// stack for a process, and who crashes or hangs costs the others nothing.
#include <malloc.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/invariants.h"
#include "tests/simulation/lwip_memory.h"

namespace dam::simulation {

namespace {

struct Options {
  uint64_t from = 1;
  uint64_t seeds = 1;
  uint64_t batch = 32;  // seeds of one process
  unsigned jobs = 2;
  unsigned most_findings = 10;
  bool trace = false;
  bool twice = false;
  bool hashes = false;
};

struct Report {
  uint64_t seed = 0;
  uint64_t hash = 0;
  uint64_t virtual_ns = 0;
  bool gave_up = false;  // lwIP did, of its own
  char finding[400] = {};
};

void tell(const Environment& environment, uint64_t seed, bool gave_up, int pipe_end) {
  Report report;
  report.seed = seed;
  report.gave_up = gave_up;
  report.hash = environment.trace.hash();
  report.virtual_ns = environment.now_ns();
  std::strncpy(report.finding, environment.finding().c_str(), sizeof report.finding - 1);
  std::fflush(stdout);
  if (write(pipe_end, &report, sizeof report) != sizeof report) _exit(1);
}

void run_seed(uint64_t seed, bool trace, int pipe_end) {
  alarm(120);  // who hangs is found, too
  Environment environment(seed, trace);
  Scenario scenario(environment);
  scenario.world().stack().whoever_ends = [&] {  // amid a call of lwIP's: nothing goes on after it
    tell(environment, seed, true, pipe_end);
    _exit(0);
  };
  scenario.run();
  if (environment.finding().empty()) check_invariants(environment, scenario);
  tell(environment, seed, false, pipe_end);
}

[[noreturn]] void run_seeds(uint64_t seed, uint64_t end, bool trace, int pipe_end) {
  // What one seed gives back the next one takes, instead of new pages of the kernel's.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  LwipMemory memory;
  for (; seed < end; ++seed) {
    memory.put_back();
    run_seed(seed, trace, pipe_end);
  }
  _exit(0);
}

// A process and the seeds it still has to tell of.
struct Lane {
  pid_t child = -1;
  int pipe_end = -1;
  uint64_t begun = 0;  // the process's first
  uint64_t seed = 0;
  uint64_t end = 0;
};

class Runner {
 public:
  explicit Runner(const Options& options)
      : options_(options), next_(options.from), end_(options.from + options.seeds) {}

  int run() {
    lanes_.resize(options_.jobs);
    for (Lane& lane : lanes_) take_batch(lane);
    while (wait_for_one()) {
    }
    std::printf("%llu seeds (in %llu of them lwIP gave up), %.0f s of virtual time, %u findings\n",
                static_cast<unsigned long long>(done_), static_cast<unsigned long long>(gave_up_),
                virtual_s_, findings_);
    return findings_ == 0 ? 0 : 1;
  }

 private:
  void take_batch(Lane& lane) {
    if (findings_ >= options_.most_findings) return;
    if (next_ == end_ && options_.twice && !again_) {
      again_ = true;
      next_ = options_.from;
    }
    if (next_ == end_) return;
    lane.seed = next_;
    // The second time each alone: a seed does not depend on those before it either.
    next_ = lane.end = std::min(next_ + (again_ ? 1 : options_.batch), end_);
    begin(lane);
  }

  void begin(Lane& lane) {
    std::fflush(stdout);
    lane.begun = lane.seed;
    int ends[2];
    if (pipe(ends) != 0) std::exit(2);
    lane.child = fork();
    if (lane.child < 0) std::exit(2);
    if (lane.child == 0) {
      close(ends[0]);
      run_seeds(lane.seed, lane.end, options_.trace, ends[1]);
    }
    close(ends[1]);
    lane.pipe_end = ends[0];
  }

  // False: nobody runs any more.
  bool wait_for_one() {
    std::vector<pollfd> waits;
    for (const Lane& lane : lanes_) waits.push_back({lane.pipe_end, POLLIN, 0});
    if (std::all_of(lanes_.begin(), lanes_.end(), [](auto& lane) { return lane.child < 0; }))
      return false;
    if (poll(waits.data(), waits.size(), -1) < 0) std::exit(2);
    for (size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) hear(lanes_[i]);
    }
    return true;
  }

  void hear(Lane& lane) {
    Report report;
    if (read(lane.pipe_end, &report, sizeof report) == sizeof report) {
      lane.seed = report.seed + 1;
      return take(lane, report);
    }
    int status = 0;
    if (waitpid(lane.child, &status, 0) != lane.child) std::exit(2);
    close(lane.pipe_end);
    lane.child = lane.pipe_end = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      found(lane, lane.seed++,
            WIFSIGNALED(status) ? "the process ended by signal " + std::to_string(WTERMSIG(status))
                                : "the process could not tell how it ended");
    }
    if (lane.seed < lane.end && findings_ < options_.most_findings) return begin(lane);
    take_batch(lane);
  }

  void take(const Lane& lane, const Report& report) {
    ++done_;
    gave_up_ += report.gave_up ? 1 : 0;
    virtual_s_ += static_cast<double>(report.virtual_ns) / 1e9;
    if (report.finding[0] != 0) return found(lane, report.seed, report.finding);
    if (options_.hashes) {
      std::printf("seed %llu: trace hash %016llx\n", static_cast<unsigned long long>(report.seed),
                  static_cast<unsigned long long>(report.hash));
    }
    if (!options_.twice) return;
    const auto [known, fresh] = hashes_.try_emplace(report.seed, report.hash);
    if (!fresh && known->second != report.hash)
      found(lane, report.seed, "two runs of one seed differ");
  }

  // Where it does not come again alone, it came of what those before it in its process have left.
  void found(const Lane& lane, uint64_t seed, const std::string& what) {
    ++findings_;
    const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("seed %llu: %s\n  again: tools/simulate --seed %llu --trace\n", number(seed),
                what.c_str(), number(seed));
    if (seed == lane.begun) return;
    std::printf(
        "  or, with those before it: tools/simulate --from %llu --seeds %llu --batch %llu\n",
        number(lane.begun), number(seed - lane.begun + 1), number(seed - lane.begun + 1));
  }

  Options options_;
  uint64_t next_;
  uint64_t end_;
  bool again_ = false;  // the second time
  std::vector<Lane> lanes_;
  std::map<uint64_t, uint64_t> hashes_;
  uint64_t done_ = 0;
  uint64_t gave_up_ = 0;
  unsigned findings_ = 0;
  double virtual_s_ = 0;
};

int usage() {
  std::printf(
      "usage: simulation [--seeds N] [--from SEED] [--jobs N] [--batch N] [--findings N]\n"
      "                  [--twice] [--hashes]\n"
      "       simulation --seed SEED [--trace]\n");
  return 2;
}

}  // namespace

}  // namespace dam::simulation

int main(int argc, char** argv) {
  using namespace dam::simulation;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return ++i < argc ? std::strtoull(argv[i], nullptr, 10) : 0; };
    if (word == "--seeds") {
      options.seeds = number();
    } else if (word == "--from" || word == "--seed") {
      options.from = number();
    } else if (word == "--jobs") {
      options.jobs = static_cast<unsigned>(number());
    } else if (word == "--batch") {
      options.batch = std::max<uint64_t>(number(), 1);
    } else if (word == "--findings") {
      options.most_findings = static_cast<unsigned>(number());
    } else if (word == "--trace") {
      options.trace = options.hashes = true;
    } else if (word == "--hashes") {
      options.hashes = true;
    } else if (word == "--twice") {
      options.twice = true;
    } else {
      return usage();
    }
  }
  return Runner(options).run();
}

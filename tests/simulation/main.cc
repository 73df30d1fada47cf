// SPDX-License-Identifier: BSD-3-Clause
// simulation: runs seeds, each in a process of its own, since lwIP is one stack for a process.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "tests/simulation/invariants.h"

namespace dam::simulation {

namespace {

struct Options {
  uint64_t from = 1;
  uint64_t seeds = 1;
  unsigned jobs = 2;
  unsigned most_findings = 10;
  bool trace = false;
  bool twice = false;
};

struct Report {
  uint64_t seed = 0;
  uint64_t hash = 0;
  uint64_t virtual_ns = 0;
  bool gave_up = false;  // lwIP did, of its own
  char finding[400] = {};
};

[[noreturn]] void tell(const Environment& environment, uint64_t seed, bool gave_up, int pipe_end) {
  Report report;
  report.seed = seed;
  report.gave_up = gave_up;
  report.hash = environment.trace.hash();
  report.virtual_ns = environment.now_ns();
  std::strncpy(report.finding, environment.finding().c_str(), sizeof report.finding - 1);
  std::fflush(stdout);
  _exit(write(pipe_end, &report, sizeof report) == sizeof report ? 0 : 1);
}

[[noreturn]] void run_seed(uint64_t seed, bool trace, int pipe_end) {
  Environment environment(seed, trace);
  Scenario scenario(environment);
  scenario.world().stack().whoever_ends = [&] { tell(environment, seed, true, pipe_end); };
  scenario.run();
  if (environment.finding().empty()) check_invariants(environment, scenario);
  tell(environment, seed, false, pipe_end);
}

// The child that runs a seed; its report comes through the pipe.
pid_t fork_seed(uint64_t seed, bool trace, int pipe_end) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child != 0) return child;
  alarm(120);  // who hangs is found, too
  run_seed(seed, trace, pipe_end);
}

class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {
    if (pipe(pipe_) != 0) std::exit(2);
  }

  int run() {
    for (uint64_t i = 0; i < options_.seeds && findings_ < options_.most_findings; ++i) {
      for (int time = 0; time < (options_.twice ? 2 : 1); ++time) begin(options_.from + i);
    }
    while (!running_.empty()) end_one();
    std::printf("%llu seeds (in %llu of them lwIP gave up), %.0f s of virtual time, %u findings\n",
                static_cast<unsigned long long>(done_), static_cast<unsigned long long>(gave_up_),
                virtual_s_, findings_);
    return findings_ == 0 ? 0 : 1;
  }

 private:
  void begin(uint64_t seed) {
    while (running_.size() >= options_.jobs) end_one();
    running_[fork_seed(seed, options_.trace, pipe_[1])] = seed;
  }

  void end_one() {
    int status = 0;
    const pid_t child = wait(&status);
    if (child < 0) std::exit(2);
    const uint64_t seed = running_[child];
    running_.erase(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      return found(seed, "the process ended by signal " + std::to_string(WTERMSIG(status)));
    }
    Report report;
    if (read(pipe_[0], &report, sizeof report) != sizeof report) std::exit(2);
    ++done_;
    gave_up_ += report.gave_up ? 1 : 0;
    virtual_s_ += static_cast<double>(report.virtual_ns) / 1e9;
    if (report.finding[0] != 0) return found(report.seed, report.finding);
    const auto [known, fresh] = hashes_.try_emplace(report.seed, report.hash);
    if (options_.twice && !fresh) {
      if (known->second != report.hash) found(report.seed, "two runs of one seed differ");
      hashes_.erase(known);
    }
    if (options_.seeds == 1)
      std::printf("trace hash %016llx\n", static_cast<unsigned long long>(report.hash));
    if (!options_.twice) hashes_.clear();
  }

  void found(uint64_t seed, const std::string& what) {
    ++findings_;
    std::printf("seed %llu: %s\n  again: tools/simulate --seed %llu --trace\n",
                static_cast<unsigned long long>(seed), what.c_str(),
                static_cast<unsigned long long>(seed));
  }

  Options options_;
  int pipe_[2] = {};
  std::map<pid_t, uint64_t> running_;
  std::map<uint64_t, uint64_t> hashes_;
  uint64_t done_ = 0;
  uint64_t gave_up_ = 0;
  unsigned findings_ = 0;
  double virtual_s_ = 0;
};

int usage() {
  std::printf(
      "usage: simulation [--seeds N] [--from SEED] [--jobs N] [--findings N] [--twice]\n"
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
    } else if (word == "--findings") {
      options.most_findings = static_cast<unsigned>(number());
    } else if (word == "--trace") {
      options.trace = true;
    } else if (word == "--twice") {
      options.twice = true;
    } else {
      return usage();
    }
  }
  return Runner(options).run();
}

// SPDX-License-Identifier: BSD-3-Clause
// Looks at every server in its own time, a few at once, and keeps what was found.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/health/rise_fall.h"
#include "controlplane/health/round.h"

namespace dam::control {

struct ServerHealth {
  Verdict verdict = Verdict::unknown;
  bool unchecked = false;  // for so long that the verdict is void
  std::string words;       // of the last check; empty: none yet
  bool last_well = false;
  double last_seconds = 0;
  int64_t last_unix = 0;
  int64_t changed_unix = 0;           // when the verdict changed
  int64_t certificate_ends_unix = 0;  // the first of its certificates to end; 0: none seen
  std::vector<Finding> findings;
};

// The interval, give or take a tenth: servers that were planned together are not looked at together
// for ever.
std::chrono::nanoseconds jittered(uint64_t interval_ns, std::mt19937_64& dice);

class Checker {
 public:
  static constexpr size_t kAtOnce = 8;

  struct Parts {
    std::function<bool(const std::string& server)> dam_sees;  // the dataplane's probes reach it
    std::function<void()> changed;                            // some verdict has
    std::function<void(const std::string& server, const std::string& sentence)> say;
  };
  explicit Checker(Parts parts);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // Who stays at its address keeps its verdict.
  void replan(std::vector<CheckPlan> plans);
  // People have disabled these: nobody looks at them.
  void spare(std::vector<std::string> servers);
  // Of every server that has a check.
  std::map<std::string, ServerHealth> health() const;
  // As they were seen last, each of a name at an address.
  std::vector<CertificateSeen> certificates() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Subject {
    CheckPlan plan;
    uint64_t generation = 0;  // of the plan: what an older one's round found is not noted
    bool busy = false;
    bool spared = false;
    uint64_t turn = 0;
    Clock::time_point due;
    RiseFall rise_fall;
    uint64_t unchecked_in_a_row = 0;
    std::map<std::string, CertificateSeen> certificates;
    ServerHealth health;
  };

  void run();
  static void keep_certificates(const Subject& old, Subject& subject);
  Subject* next_due(Clock::time_point& when);
  void note(Subject& subject, Round round, std::vector<std::string>& said);

  const Parts parts_;
  Authorities authorities_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Subject> subjects_;
  uint64_t generation_ = 0;
  std::mt19937_64 dice_{std::random_device{}()};
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dam::control

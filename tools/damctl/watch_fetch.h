// SPDX-License-Identifier: BSD-3-Clause
// Looks at the dam again and again, in a thread of its own: a control plane that hangs holds up no
// key.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "tools/damctl/client.h"

namespace dam::ctl {

// One look. What is null was not answered.
struct Sight {
  using Clock = std::chrono::steady_clock;
  Json status, zones, servers, bans, top;
  Clock::time_point at;

  Json json() const;
};

// False: there is no answer, for what `trouble` says then.
bool look(const Settings& settings, const std::string& ranking, Sight& sight, std::string& trouble);

class Fetcher {
 public:
  struct State {
    Sight now, before;    // before: of the round before; null where there was none
    std::string trouble;  // since `now`; empty: it is the newest
  };
  // `came` is called in the fetcher's thread after every look.
  Fetcher(const Settings& settings, double seconds, std::function<void()> came);
  // Its thread may be waiting for an answer: it is left to it, and calls nobody any more.
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  State state() const;
  void look_now();
  void every(double seconds);
  void pause(bool paused);
  void rank_by(const std::string& ranking);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace dam::ctl

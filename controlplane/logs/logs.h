// SPDX-License-Identifier: BSD-3-Clause
// Lines of what happens, to the sinks that the policy names. At most so many a second of each kind;
// what was left out is told in a line of its own. Nobody who adds one waits.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controlplane/logs/log_sink.h"
#include "controlplane/policy/model.h"

namespace dam::control {

using LogCounts = std::map<std::string, SinkCounts>;  // by sink

class Logs {
 public:
  using Clock = std::chrono::steady_clock;
  using MakeSinks = std::function<std::vector<std::unique_ptr<LogSink>>(const LogRules&)>;

  explicit Logs(MakeSinks make_sinks);

  // Sinks are made anew when the rules have changed; counts go on. May wait for the old ones' end.
  void set_rules(const LogRules& rules);
  void add(const LogRecord& record, Clock::time_point now = Clock::now());
  // Tells what was left out, where no other line does. Each second.
  void tick(Clock::time_point now = Clock::now());
  LogCounts counts() const;

 private:
  struct Second {
    Clock::time_point begun{};
    uint64_t lines = 0;
    uint64_t lost_lines = 0, lost_count = 0;
  };
  void begin_second(LogKind kind, Clock::time_point now);
  void begin_sinks(std::vector<std::unique_ptr<LogSink>> sinks);
  void give(const LogRecord& record);

  const MakeSinks make_sinks_;
  mutable std::mutex mutex_;
  LogRules rules_;
  std::vector<std::unique_ptr<LogSink>> sinks_;
  LogCounts ended_;                               // of sinks that are gone
  bool changes_ = false;                          // sinks end, and others come
  uint64_t missed_lines_ = 0, missed_count_ = 0;  // meanwhile
  std::array<Second, kLogKinds> seconds_{};
};

// What of this machine the sinks use. Policies come from afar, too, and must choose neither which
// of its files are written or read, nor whom its secrets are told. Empty: there are none.
struct LogPlaces {
  std::filesystem::path folder = "/var/log/dam";                  // where files lie
  std::filesystem::path journal = "/run/systemd/journal/socket";  // journald's
  std::string loki_netrc{};  // .netrc of who writes, by host; told over https alone
  std::string loki_ca{};     // certificates (PEM) that are trusted instead of the system's
};

// The sinks that rules name.
Logs::MakeSinks sinks_in(LogPlaces places, LogSink::Say say);

}  // namespace dam::control

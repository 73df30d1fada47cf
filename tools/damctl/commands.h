// SPDX-License-Identifier: BSD-3-Clause
// The commands of damctl: each prints, and returns an ExitCode.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dam::ctl {

struct Settings {
  std::string socket = "/run/dam/control.sock";
  bool json = false;
  double watch_seconds = 0;  // 0: once
  int rounds = 0;            // of watching; 0: until interrupted
};

// Offline: needs no control plane.
int check_file(const Settings& settings, const std::string& file);
int detach(const Settings& settings, const std::string& pins);
// What this machine and its interfaces are for the dam. `devices`: instead of the policy's.
int run_doctor(const Settings& settings, const std::string& file, const std::string& driver,
               const std::vector<std::string>& devices);
int print_schema();
int print_reference();

int show_status(const Settings& settings);
int show_zones(const Settings& settings);
int show_routes(const Settings& settings);
int show_servers(const Settings& settings);
int show_drops(const Settings& settings, bool explain);
int show_metrics(const Settings& settings);
int show_policy(const Settings& settings);
struct Applying {
  std::string file;
  std::string confirm_within;  // "60s"; empty: stays without a confirmation
  bool dry_run = false;
  bool yes = false;  // do not ask
};
int apply_file(const Settings& settings, const Applying& how);
int show_history(const Settings& settings);
// 0: the version before `to`, and the one that runs.
int show_diff(const Settings& settings, int64_t from, int64_t to);
int roll_back(const Settings& settings, int64_t to, const std::string& confirm_within);
// 0: whichever waits.
int confirm(const Settings& settings, int64_t version);
struct Watching {
  std::string kind;   // empty: all
  int64_t count = 0;  // 0: as many as the control plane gives at once, or until interrupted
  bool follow = false;
};
int show_events(const Settings& settings, const Watching& what);
int set_zone(const Settings& settings, const std::string& zone,
             const std::vector<std::string>& changes);

}  // namespace dam::ctl

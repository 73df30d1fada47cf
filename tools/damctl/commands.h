// SPDX-License-Identifier: BSD-3-Clause
// The commands of damctl: each prints, and returns an ExitCode.
#pragma once

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
int apply_file(const Settings& settings, const std::string& file, bool dry_run);
int set_zone(const Settings& settings, const std::string& zone,
             const std::vector<std::string>& changes);

}  // namespace dam::ctl

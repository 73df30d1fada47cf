// SPDX-License-Identifier: BSD-3-Clause
// What may be typed, and the lists of commands: each file of commands adds its own.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tools/damctl/commands.h"

namespace dam::ctl {

struct Arguments {
  Settings settings;
  std::string file = "/etc/dam/dam.yaml";
  LeftBehind left;
  bool only_other_version = false;  // of damctl detach
  std::string zone;
  std::string name;
  std::vector<std::string> changes;
  std::vector<std::string> devices;
  std::string driver;
  std::string confirm_within;
  Banning banning;
  Alike alike;
  std::string origin;
  int64_t version = 0;
  int64_t other_version = 0;
  bool dry_run = false;
  bool yes = false;
  bool force = false;
  bool explain = false;
  Entry entry;
  std::string top_by = "packets";
  int top_count = 20;
  Watching watching;
  Enrolling enrolling;
  NewToken token;
  int count = 50;
  bool refused = false;
  Connections connections;
  Capturing capturing;
  SettingUp setting_up;
};

using Command = std::function<int(const Arguments&)>;

// A command; `run` is `chosen` where it is typed.
CLI::App* add(CLI::App& app, const std::string& name, const std::string& help, Arguments& arguments,
              Command& chosen, Command run);

// Options that several have.
void add_watch(CLI::App* command, Arguments& arguments);
void add_file(CLI::App* command, Arguments& arguments);
void add_confirm_within(CLI::App* command, Arguments& a);

// view_commands.cc
void add_views(CLI::App& app, Arguments& a, Command& chosen);
void add_events(CLI::App& app, Arguments& a, Command& chosen);
void add_live(CLI::App& app, Arguments& a, Command& chosen);

// connection_commands.cc
void add_flows(CLI::App& app, Arguments& a, Command& chosen);
void add_capture(CLI::App& app, Arguments& a, Command& chosen);

// policy_commands.cc
void add_changes(CLI::App& app, Arguments& a, Command& chosen);
void add_server(CLI::App& app, Arguments& a, Command& chosen);
void add_history(CLI::App& app, Arguments& a, Command& chosen);

// trust_commands.cc
void add_trust(CLI::App& app, Arguments& a, Command& chosen);

// ban_commands.cc
void add_similar(CLI::App& app, Arguments& a, Command& chosen);
void add_bans(CLI::App& app, Arguments& a, Command& chosen);

// host_commands.cc
void add_host(CLI::App& app, Arguments& a, Command& chosen);
void add_doctor(CLI::App& app, Arguments& a, Command& chosen);
void add_setup(CLI::App& app, Arguments& a, Command& chosen);

}  // namespace dam::ctl

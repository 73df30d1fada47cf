// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/command_line.h"

namespace dam::ctl {

CLI::App* add(CLI::App& app, const std::string& name, const std::string& help, Arguments& arguments,
              Command& chosen, Command run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_flag("--json", arguments.settings.json, "print JSON");
  // A command's own commands are chosen before it.
  command->callback([&chosen, run = std::move(run)] {
    if (!chosen) chosen = run;
  });
  return command;
}

void add_watch(CLI::App* command, Arguments& arguments) {
  command
      ->add_option("-w,--watch", arguments.settings.watch_seconds,
                   "repeat every so many seconds (1 if not said), with rates")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.1, 3600.0));
  command->add_option("-n,--rounds", arguments.settings.rounds, "stop watching after so many")
      ->check(CLI::PositiveNumber);
}

void add_file(CLI::App* command, Arguments& arguments) {
  command->add_option("-f,--file", arguments.file, "the policy")->capture_default_str();
}

void add_confirm_within(CLI::App* command, Arguments& a) {
  command->add_option(
      "--confirm-within", a.confirm_within,
      "e.g. 60s: what ran before comes back then, unless `damctl confirm` is typed");
}

}  // namespace dam::ctl

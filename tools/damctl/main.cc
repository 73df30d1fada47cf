// SPDX-License-Identifier: BSD-3-Clause
// damctl: the command line of Traffic Dam. This file is the list of its commands.
#include <cstdlib>
#include <iostream>

#include "tools/damctl/command_line.h"
#include "tools/damctl/documents.h"
#include "tools/damctl/exit_code.h"

namespace {

using namespace dam::ctl;

void add_documents(CLI::App& app, Command& chosen) {
  const auto text = [&](const char* name, const char* help, auto write) {
    app.add_subcommand(name, help)->callback([&app, &chosen, write] {
      chosen = [&app, write](const Arguments&) {
        std::cout << write(app);
        return int{kOk};
      };
    });
  };
  CLI::App* schema = app.add_subcommand("schema", "the JSON schema of dam.yaml, or of the logs");
  const CLI::Option* of_logs = schema->add_flag("--log")->description("of a line of the logs");
  schema->callback([&chosen, of_logs] {
    chosen = [asked = of_logs->count() > 0](const Arguments&) { return print_schema(asked); };
  });
  app.add_subcommand("reference", "every key of dam.yaml, as Markdown")->callback([&chosen] {
    chosen = [](const Arguments&) { return print_reference(); };
  });
  app.add_subcommand("features", "what a source's behaviour is made of, as Markdown")
      ->callback([&chosen] { chosen = [](const Arguments&) { return print_features(); }; });
  text("man", "this program's manual page: damctl man | man -l -", manual_page);
  text("completion-bash", "for bash and zsh: . <(damctl completion-bash)", bash_completion);
  text("completion-fish", "for fish: damctl completion-fish | source", fish_completion);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const char* socket = std::getenv("DAM_CONTROL_SOCKET")) arguments.settings.socket = socket;
  if (const char* profile = std::getenv("DAM_PROFILE")) arguments.settings.profile = profile;
  Command chosen;
  CLI::App app("Steers and shows Traffic Dam.", "damctl");
  app.footer(
      "Exit codes: 0 ok, 1 refused or invalid, 2 usage, 3 the control plane does not answer.");
  app.set_version_flag("--version", "damctl " DAM_PROGRAM_VERSION);
  app.require_subcommand(1);
  CLI::Option* socket = app.add_option("-s,--socket", arguments.settings.socket,
                                       "the control plane's socket (also: DAM_CONTROL_SOCKET)")
                            ->capture_default_str();
  CLI::Option* profile = app.add_option(
      "--profile", arguments.settings.profile,
      "steer a dam from afar, by what damctl enroll made: a name in ~/.config/dam or a "
      "file (also: DAM_PROFILE)");
  add_views(app, arguments, chosen);
  add_changes(app, arguments, chosen);
  add_server(app, arguments, chosen);
  add_history(app, arguments, chosen);
  add_events(app, arguments, chosen);
  add_live(app, arguments, chosen);
  add_trust(app, arguments, chosen);
  add_flows(app, arguments, chosen);
  add_capture(app, arguments, chosen);
  add_bans(app, arguments, chosen);
  add_similar(app, arguments, chosen);
  add_host(app, arguments, chosen);
  add_doctor(app, arguments, chosen);
  add_setup(app, arguments, chosen);
  add_documents(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  // What is typed counts more than what the environment says.
  if (socket->count() > 0 && profile->count() == 0) arguments.settings.profile.clear();
  return chosen(arguments);
}

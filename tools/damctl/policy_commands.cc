// SPDX-License-Identifier: BSD-3-Clause
// Commands that change the policy, or show how it came about.
#include "tools/damctl/command_line.h"

namespace dam::ctl {

namespace {

// As versions of the policy; its text is edited, comments and all.
void add_entries(CLI::App& of, const std::string& what, Arguments& a, Command& chosen) {
  CLI::App* put =
      add(of, "add", "add a " + what + ", or write it anew", a, chosen, [what](const Arguments& x) {
        Entry entry = x.entry;
        entry.what = what;
        return add_entry(x.settings, entry);
      });
  CLI::App* gone = add(of, "remove", "remove a " + what, a, chosen, [what](const Arguments& x) {
    Entry entry = x.entry;
    entry.what = what;
    return remove_entry(x.settings, entry);
  });
  for (CLI::App* one : {put, gone}) {
    one->add_option("name", a.entry.name, "of the " + what)->required();
    one->add_flag("--dry-run", a.entry.dry_run, "show what would change, change nothing");
    one->add_option("--confirm-within", a.entry.confirm_within,
                    "e.g. 60s: what ran before comes back then, unless you confirm");
    one->add_flag("--force", a.entry.force,
                  "also where a certificate covers a name that is routed to another server");
  }
  put->add_option("keys", a.entry.keys, "KEY=VALUE, as in dam.yaml; lists as [a,b]")->required();
}

}  // namespace

void add_changes(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* apply =
      add(app, "apply", "put a policy into force, whole or not at all", a, chosen,
          [](const Arguments& x) {
            return apply_file(x.settings, {x.file, x.confirm_within, x.dry_run, x.yes, x.force});
          });
  add_file(apply, a);
  add_confirm_within(apply, a);
  apply->add_flag("-y,--yes", a.yes,
                  "do not show the difference and ask (a script is never asked)");
  apply->add_flag("--force", a.force,
                  "also where a certificate covers a name that is routed to another server");
  apply->add_flag("--dry-run", a.dry_run, "let the control plane check it, change nothing");
  add_file(add(app, "check", "check a policy; needs no running dam", a, chosen,
               [](const Arguments& x) { return check_file(x.settings, x.file); }),
           a);
  CLI::App* zone = app.add_subcommand("zone", "change one zone");
  zone->require_subcommand(1);
  CLI::App* set =
      add(*zone, "set",
          "e.g. damctl zone set heavy per_source.connections=\"5r/s burst=10\" "
          "mode=shadow",
          a, chosen, [](const Arguments& x) { return set_zone(x.settings, x.zone, x.changes); });
  set->add_option("name", a.zone, "the zone")->required();
  set->add_option("changes", a.changes, "KEY=VALUE, as in dam.yaml")->required();
}

void add_server(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* server = app.add_subcommand("server", "change one server");
  server->require_subcommand(1);
  CLI::App* set =
      add(*server, "set",
          "drain (old connections go on), disable or enable it, or change its weight, e.g. "
          "damctl server set web-1 state=drain",
          a, chosen, [](const Arguments& x) { return set_server(x.settings, x.name, x.changes); });
  set->add_option("name", a.name, "the server")->required();
  set->add_option("changes", a.changes, "state=enable|drain|disable, weight=NUMBER")->required();
  add_entries(*server, "server", a, chosen);
  CLI::App* route = app.add_subcommand("route", "add or remove one route");
  route->require_subcommand(1);
  add_entries(*route, "route", a, chosen);
}

void add_history(CLI::App& app, Arguments& a, Command& chosen) {
  add(app, "history", "the policy's versions: when, who, what", a, chosen,
      [](const Arguments& x) { return show_history(x.settings); });
  CLI::App* diff = add(
      app, "diff", "how two versions differ (by default the one that runs, and the one before)", a,
      chosen, [](const Arguments& x) { return show_diff(x.settings, x.version, x.other_version); });
  diff->add_option("from", a.version, "a version's number")->check(CLI::PositiveNumber);
  diff->add_option("to", a.other_version, "another one's")->check(CLI::PositiveNumber);
  CLI::App* back =
      add(app, "rollback", "put an earlier version in force again", a, chosen,
          [](const Arguments& x) { return roll_back(x.settings, x.version, x.confirm_within); });
  back->add_option("version", a.version, "its number")->required()->check(CLI::PositiveNumber);
  add_confirm_within(back, a);
  add(app, "confirm", "keep what was applied with --confirm-within", a, chosen,
      [](const Arguments& x) { return confirm(x.settings, x.version); })
      ->add_option("version", a.version, "only if it is this one")
      ->check(CLI::PositiveNumber);
}

}  // namespace dam::ctl

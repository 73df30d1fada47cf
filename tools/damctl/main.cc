// SPDX-License-Identifier: BSD-3-Clause
// damctl: the command line of Traffic Dam. This file is the list of its commands.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/events/event_log.h"
#include "dataplane/ipc/bounds.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/documents.h"
#include "tools/damctl/exit_code.h"

namespace {

using namespace dam::ctl;

struct Arguments {
  Settings settings;
  std::string file = "/etc/dam/dam.yaml";
  dam::ctl::LeftBehind left;
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

void add_file(CLI::App* command, Arguments& arguments) {
  command->add_option("-f,--file", arguments.file, "the policy")->capture_default_str();
}

void add_views(CLI::App& app, Arguments& a, Command& chosen) {
  add_watch(add(app, "status", "the dam at a glance", a, chosen,
                [](const Arguments& x) { return show_status(x.settings); }),
            a);
  add_watch(add(app, "zones", "each zone's limits and what they did", a, chosen,
                [](const Arguments& x) { return show_zones(x.settings); }),
            a);
  add(app, "routes", "which names go where", a, chosen,
      [](const Arguments& x) { return show_routes(x.settings); });
  add_watch(add(app, "servers", "the servers, their state and connections", a, chosen,
                [](const Arguments& x) { return show_servers(x.settings); }),
            a);
  CLI::App* drops = add(app, "drops", "what was not forwarded, and why", a, chosen,
                        [](const Arguments& x) { return show_drops(x.settings, x.explain); });
  drops->add_flag("--explain", a.explain, "say what each reason means");
  add_watch(drops, a);
  add(app, "metrics", "the counters in Prometheus' text format", a, chosen,
      [](const Arguments& x) { return show_metrics(x.settings); });
  add(app, "policy", "the policy that runs", a, chosen,
      [](const Arguments& x) { return show_policy(x.settings); });
}

void add_confirm_within(CLI::App* command, Arguments& a) {
  command->add_option(
      "--confirm-within", a.confirm_within,
      "e.g. 60s: what ran before comes back then, unless `damctl confirm` is typed");
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

void add_events(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* events =
      add(app, "events", "what has happened: bans, refusals, servers, policies", a, chosen,
          [](const Arguments& x) { return show_events(x.settings, x.watching); });
  events->add_flag("-f,--follow", a.watching.follow,
                   "what happens from now on; it ends with 3 when the stream breaks, with 1 when "
                   "you may not have it any more");
  events
      ->add_option("-a,--after", a.watching.after,
                   "only those with a greater number: where an earlier --follow has ended")
      ->check(CLI::NonNegativeNumber);
  events->add_option("-k,--kind", a.watching.kind, "only these")
      ->check(CLI::IsMember(dam::control::event_kind_names()));
  events->add_option("-n,--count", a.watching.count, "so many")->check(CLI::PositiveNumber);
}

void add_live(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* live =
      add(app, "watch", "the dam, live: zones as water levels, servers, top sources; q ends it", a,
          chosen, [](const Arguments& x) { return watch(x.settings); });
  live->add_option("-i,--interval", a.settings.watch_seconds,
                   "look every so many seconds (1 if not said)")
      ->check(CLI::Range(0.25, 60.0));
  live->add_option("-n,--rounds", a.settings.rounds, "with --json: stop after so many")
      ->check(CLI::PositiveNumber);
}

void add_which(CLI::App* command, Connections& which) {
  command->add_option("--client", which.client, "of this address or network");
  command->add_option("--zone", which.zone, "in this zone");
  command->add_option("--server", which.server, "to this server");
  command->add_option("--listener", which.listener, "that came to this listener");
  command->add_option("--state", which.state, "hello, connect, deliver or established");
  command->add_option("--ja4", which.ja4, "of this JA4 fingerprint; a part may be *");
}

void add_flows(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* flows = add(app, "flows", "the connections, and how many", a, chosen,
                        [](const Arguments& x) { return show_flows(x.settings, x.connections); });
  add_which(flows, a.connections);
  flows->add_option("-n,--count", a.connections.count, "show so many")->check(CLI::Range(0, 1000));
  CLI::App* kill = add(app, "kill", "end connections: both ends are reset", a, chosen,
                       [](const Arguments& x) { return end_flows(x.settings, x.connections); });
  kill->add_option("id", a.connections.id, "one of damctl flows, or out of UNIQUE_ID");
  add_which(kill, a.connections);
  kill->add_flag("--all", a.connections.all, "every one, where nothing else is said");
}

void add_capture(CLI::App& app, Arguments& a, Command& chosen) {
  Capturing& what = a.capturing;
  CLI::App* command =
      add(app, "capture",
          "packets as they came in, for Wireshark: each one's comment says what became of it, and "
          "why, e.g. damctl capture --dropped | wireshark -k -i -",
          a, chosen, [](const Arguments& x) { return capture(x.settings, x.capturing); });
  command->add_option("--client", what.client, "of this address or network");
  command->add_option("--zone", what.zone, "in this zone; front: what has no route yet");
  command->add_option("--reason", what.reason, "of this reason alone, as damctl drops names them");
  CLI::Option* dropped = command->add_flag("--dropped", what.dropped, "only what was dropped");
  command->add_flag("--passed", what.passed, "only what passed")->excludes(dropped);
  command->add_option("-n,--packets", what.packets, "end with so many")
      ->check(CLI::Range(1, static_cast<int>(dam::kMostCapturePackets)))
      ->capture_default_str();
  command->add_option("--seconds", what.seconds, "end after so long")
      ->check(CLI::Range(1, static_cast<int>(dam::kMostCaptureSeconds)))
      ->capture_default_str();
  command->add_option("--snap", what.snap_bytes, "of each frame at most so many bytes")
      ->check(CLI::Range(static_cast<int>(dam::kLeastCaptureSnapBytes),
                         static_cast<int>(dam::kMostCaptureSnapBytes)))
      ->capture_default_str();
  command->add_option("-w,--write", what.file, "a file, which only its owner may read; -: stdout")
      ->capture_default_str();
  command->add_flag("--stop", what.stop, "end the capture that is under way, whoever began it");
}

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

void add_role(CLI::App* command, std::string& role) {
  command
      ->add_option(
          "--role", role,
          "reporter sends signals alone, viewer looks, operator changes zones and bans, admin all")
      ->check(CLI::IsMember({"reporter", "viewer", "operator", "admin"}))
      ->capture_default_str();
}

void add_enroll(CLI::App& app, Arguments& a, Command& chosen) {
  Enrolling& how = a.enrolling;
  CLI::App* command =
      add(app, "enroll", "on the dam: make certificates, and a profile for somebody from afar", a,
          chosen, [](const Arguments& x) { return enroll(x.settings, x.enrolling); });
  command->add_option("name", how.name, "whom");
  add_role(command, how.role);
  command->add_option("--url", how.url,
                      "how they reach the dam, e.g. https://198.18.2.1:9443 (default: where it "
                      "listens)");
  command->add_option("--san", how.names, "another name or address of the dam");
  command->add_option("--tls", how.folder,
                      "the folder of the certificates (default: the control plane's)");
  command->add_option("-o,--output", how.output, "where the profile goes (default: NAME.json)");
  command->add_option("--days", how.days, "until it expires")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  command->add_flag("--renew", how.renew, "a new certificate of the server, in any case");
}

void add_trust(CLI::App& app, Arguments& a, Command& chosen) {
  add_enroll(app, a, chosen);
  CLI::App* clients = add(app, "clients", "who is enrolled", a, chosen,
                          [](const Arguments& x) { return show_clients(x.settings); });
  add(*clients, "revoke", "refuse certificates from now on", a, chosen,
      [](const Arguments& x) { return revoke_client(x.settings, x.name); })
      ->add_option("name", a.name, "a name, or a fingerprint")
      ->required();
  CLI::App* token = app.add_subcommand("token", "bearer tokens, for programs");
  token->require_subcommand(1);
  CLI::App* make = add(*token, "add", "make one; it is shown once", a, chosen,
                       [](const Arguments& x) { return add_token(x.settings, x.token); });
  make->add_option("name", a.token.name, "whose it is")->required();
  add_role(make, a.token.role);
  make->add_option("--days", a.token.days, "until it expires (default: no end)")
      ->check(CLI::Range(1, 3650));
  add(*token, "list", "which there are", a, chosen,
      [](const Arguments& x) { return show_tokens(x.settings); });
  add(*token, "remove", "refuse it from now on", a, chosen,
      [](const Arguments& x) { return remove_token(x.settings, x.name); })
      ->add_option("name", a.name, "its name")
      ->required();
  CLI::App* audit =
      add(app, "audit", "what was changed: when, by whom, from where", a, chosen,
          [](const Arguments& x) { return show_audit(x.settings, x.count, x.refused); });
  audit->add_option("-n,--count", a.count, "how many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  audit->add_flag("--refused", a.refused, "who was refused instead");
  add(app, "whoami", "whom the dam takes you for", a, chosen,
      [](const Arguments& x) { return show_whoami(x.settings); });
}

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

void add_banning(CLI::App* command, Arguments& a) {
  command->add_option("--for", a.banning.time, "e.g. 1h30m or 7d; for ever if not said");
  command->add_option("--reason,--why", a.banning.reason, "what others are told who ask why");
  command->add_flag("--force", a.banning.force,
                    "however wide, and over the site's own addresses too");
}

void add_distance(CLI::App* command, Alike& how) {
  command->add_option("--within", how.within,
                      "at most so far apart, e.g. 7.5% (default: lookalikes.within of dam.yaml)");
  command->add_option("--over", how.over, "only who did something in this time (1h if not said)");
}

void add_ban(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* one =
      add(app, "ban", "ban an address, a network or a kind of clients; its connections end", a,
          chosen, [](const Arguments& x) {
            if (!x.banning.ja4.empty()) return ban_kind(x.settings, x.banning);
            return x.alike.address.empty() ? ban(x.settings, x.banning)
                                           : ban_similar(x.settings, x.alike, x.banning);
          });
  CLI::Option* source =
      one->add_option("source", a.banning.source, "e.g. 198.51.100.7 or 198.51.100.0/24");
  CLI::Option* like = one->add_option("--similar-to", a.alike.address,
                                      "instead: this address and all that behave like it");
  source->excludes(like);
  CLI::Option* kind =
      one->add_option("--ja4", a.banning.ja4,
                      "instead: clients of this fingerprint, in service zones; a part may be *");
  kind->excludes(source)->excludes(like);
  add_distance(one, a.alike);
  one->add_flag("--dry-run", a.banning.dry_run,
                "with --ja4 or --similar-to: ban nobody, show whom it would hit")
      ->excludes(source);
  one->add_flag("-y,--yes", a.alike.yes, "with --similar-to: do not ask (a script is never asked)");
  for (const char* name : {"--within", "--over", "--yes"}) {
    one->get_option(name)->needs(like);
  }
  add_banning(one, a);
  one->get_option("--force")->excludes(like);
  one->parse_complete_callback([source, like, kind] {
    if (source->empty() && like->empty() && kind->empty())
      throw CLI::RequiredError("source, --ja4 or --similar-to");
  });
}

void add_similar(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* similar =
      add(app, "similar", "the sources that behave most like this one, and what they share", a,
          chosen, [](const Arguments& x) { return show_similar(x.settings, x.alike); });
  similar->add_option("address", a.alike.address, "one address")->required();
  add_distance(similar, a.alike);
  similar->add_option("-n,--count", a.alike.count, "so many at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  similar->add_flag("--features", a.alike.all, "show its whole behaviour, too");
  add(app, "forget", "erase what is known of a source's behaviour", a, chosen,
      [](const Arguments& x) { return forget_behaviour(x.settings, x.banning.source); })
      ->add_option("source", a.banning.source, "an address or a network")
      ->required();
}

void add_bans(CLI::App& app, Arguments& a, Command& chosen) {
  add_ban(app, a, chosen);
  add(app, "unban", "lift a ban", a, chosen,
      [](const Arguments& x) { return unban(x.settings, x.banning.source); })
      ->add_option("source,--ja4", a.banning.source, "as damctl bans shows it")
      ->required();
  CLI::App* bans = app.add_subcommand("bans", "the bans that hold, and lists of them");
  bans->add_flag("--json", a.settings.json, "print JSON");
  bans->add_option("--origin", a.origin, "only those whose origin begins so: operator, zone …");
  bans->callback([bans, &chosen] {
    if (!bans->get_subcommands().empty()) return;
    chosen = [](const Arguments& x) { return show_bans(x.settings, x.origin); };
  });
  CLI::App* import = add(*bans, "import", "ban all of a file, or nobody of it", a, chosen,
                         [](const Arguments& x) { return import_bans(x.settings, x.banning); });
  import->add_option("file", a.banning.source, "a network and a reason a line; -: stdin")
      ->required();
  add_banning(import, a);
  add(*bans, "export", "the bans that hold, as import takes them", a, chosen,
      [](const Arguments& x) { return export_bans(x.settings); });
  add(app, "explain", "everything that the dam knows of an address, and why it is kept out", a,
      chosen, [](const Arguments& x) { return explain(x.settings, x.banning.source); })
      ->add_option("address", a.banning.source, "one address")
      ->required();
  CLI::App* top =
      add(app, "top", "the sources with the most now, and how far that can be off", a, chosen,
          [](const Arguments& x) { return show_top(x.settings, x.top_by, x.top_count); });
  top->add_option("--by", a.top_by, "what they are ordered by")
      ->check(CLI::IsMember(dam::control::top_measures()))
      ->capture_default_str();
  top->add_option("--count", a.top_count, "how many at most")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  add_watch(top, a);
}

void add_host(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* detach =
      add(app, "detach",
          "end what is kept when no dataplane runs: programs, connections and bans that driver: "
          "xdp has in the kernel, and those that driver: dpdk has in memory; give NICs that it "
          "has left behind back to the kernel",
          a, chosen, [](const Arguments& x) {
            return dam::ctl::detach(x.settings, x.left, x.only_other_version);
          });
  detach->add_option("--pins", a.left.pins, "where driver: xdp has pinned them")
      ->capture_default_str();
  detach->add_option("--tables", a.left.tables, "where driver: dpdk has them")
      ->capture_default_str();
  detach->add_option("--nics", a.left.nics, "where it has written down what NICs were")
      ->capture_default_str();
  detach->add_flag("--other-version", a.only_other_version,
                   "only where another version of the dam has left tables, which the dataplane of "
                   "this one refuses to go on with: an upgrade asks for it");
}

void add_doctor(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* doctor =
      add(app, "doctor", "what this machine and its interfaces lack, and what to type", a, chosen,
          [](const Arguments& x) { return run_doctor(x.settings, x.file, x.driver, x.devices); });
  add_file(doctor, a);
  doctor->add_option("--driver", a.driver, "as if dam.yaml said so")
      ->check(CLI::IsMember({"auto", "dpdk", "xdp"}));
  doctor->add_option("interfaces", a.devices, "these instead of the policy's");
}

void add_setup(CLI::App& app, Arguments& a, Command& chosen) {
  SettingUp& how = a.setting_up;
  CLI::App* setup = add(app, "setup",
                        "the first dam.yaml of this host, or changes of it: looks, asks, explains, "
                        "shows the difference, writes it and puts it in force",
                        a, chosen, [](const Arguments& x) {
                          SettingUp asked = x.setting_up;
                          asked.file = x.file;
                          return set_up(x.settings, asked);
                        });
  add_file(setup, a);
  setup->add_option("--answers", how.answers,
                    "ask nothing: a file of answers, as --print-answers makes; what it leaves out "
                    "stays, or is as proposed");
  setup->add_flag("--print-answers", how.print_answers,
                  "write the answers to stdout, for --answers elsewhere; change nothing");
  setup->add_flag("--dry-run", how.dry_run, "show what would change, change nothing");
  setup
      ->add_option("--confirm-within", how.confirm_within,
                   "what ran before comes back then, and dam.yaml stays, unless somebody confirms")
      ->capture_default_str();
  setup->add_flag("-y,--yes", how.yes, "ask nothing, and wait for no confirmation");
  setup->add_flag("--all", how.all, "ask for VLANs, ports and PROXY headers, too");
}

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

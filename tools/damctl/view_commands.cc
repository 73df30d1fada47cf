// SPDX-License-Identifier: BSD-3-Clause
// Commands that show what is, once or again and again.
#include "controlplane/events/event_log.h"
#include "tools/damctl/command_line.h"

namespace dam::ctl {

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

}  // namespace dam::ctl

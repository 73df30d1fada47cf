// SPDX-License-Identifier: BSD-3-Clause
// Commands about sources: bans, why somebody is kept out, who has the most, who behaves alike.
#include "controlplane/dataplane_link/counters_reader.h"
#include "tools/damctl/command_line.h"

namespace dam::ctl {

namespace {

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

}  // namespace

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
  add(app, "unban", "lift a ban, or a throttle", a, chosen,
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
  import
      ->add_option("file", a.banning.source,
                   "a network or a JA4 fingerprint and a reason a line; -: stdin")
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

}  // namespace dam::ctl

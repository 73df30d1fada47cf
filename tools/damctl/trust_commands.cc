// SPDX-License-Identifier: BSD-3-Clause
// Commands about who may steer, and who did what.
#include "tools/damctl/command_line.h"

namespace dam::ctl {

namespace {

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

}  // namespace

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

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// Commands about this host; they need no running dam.
#include "tools/damctl/command_line.h"

namespace dam::ctl {

void add_host(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* detach =
      add(app, "detach",
          "end what is kept when no dataplane runs: programs, connections and bans that driver: "
          "xdp has in the kernel, and those that driver: dpdk has in memory; give NICs that it "
          "has left behind back to the kernel",
          a, chosen,
          [](const Arguments& x) { return ctl::detach(x.settings, x.left, x.only_other_version); });
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

}  // namespace dam::ctl

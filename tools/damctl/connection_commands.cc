// SPDX-License-Identifier: BSD-3-Clause
// Commands about connections and packets.
#include "dataplane/ipc/bounds.h"
#include "tools/damctl/command_line.h"

namespace dam::ctl {

namespace {

void add_which(CLI::App* command, Connections& which) {
  command->add_option("--client", which.client, "of this address or network");
  command->add_option("--zone", which.zone, "in this zone");
  command->add_option("--server", which.server, "to this server");
  command->add_option("--listener", which.listener, "that came to this listener");
  command->add_option("--state", which.state, "hello, connect, deliver or established");
  command->add_option("--ja4", which.ja4, "of this JA4 fingerprint; a part may be *");
}

}  // namespace

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

}  // namespace dam::ctl

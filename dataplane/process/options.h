// SPDX-License-Identifier: BSD-3-Clause
// The command line of dam-dataplane. Everything else comes over the control socket.
#pragma once

#include <optional>
#include <string>

namespace dam {

struct Options {
  std::string socket = "/run/dam/dataplane.sock";
  std::string counters;     // default: "counters" beside the socket
  std::string runtime_dir;  // of the saved policy; default: "saved" beside the socket
  std::string nics;         // what NICs were before they were taken; default: "nics" beside it
  std::string user = "nobody";
  std::string control_group;                     // empty: root alone steers the dam
  std::string pins = "/sys/fs/bpf/traffic-dam";  // driver: xdp; in a bpffs
  std::string tables = "/dev/shm/dam";           // driver: dpdk; in a tmpfs
  bool busy_poll = false;
  bool fresh = false;
};

// Empty options: the program ends with `exit_code`, having printed why.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_code = 0;
};

ParsedOptions parse_options(int argc, char** argv);

}  // namespace dam

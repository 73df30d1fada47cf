// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/options.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#ifndef DAM_VERSION
#define DAM_VERSION "unknown"
#endif

namespace dam {

ParsedOptions parse_options(int argc, char** argv) {
  Options options;
  CLI::App app{
      "The dataplane of Traffic Dam. It waits for dam-controlplane to say what to open and what\n"
      "to let through; after a restart it goes on with the last policy that it was given."};
  app.set_version_flag("--version", "dam-dataplane " DAM_VERSION);
  app.add_option("--socket", options.socket, "control socket to listen on")->capture_default_str();
  app.add_option("--counters", options.counters,
                 "shared-memory file of the counters [\"counters\" beside the socket]");
  app.add_option("--runtime-dir", options.runtime_dir,
                 "where the last policy is kept [\"saved\" beside the socket]");
  app.add_option("--nics", options.nics,
                 "what NICs were before DPDK took them from the kernel [\"nics\" beside the "
                 "socket]; damctl detach gives them back");
  app.add_option("--user", options.user,
                 "becomes this user once the ports are open; \"root\" stays what it is")
      ->capture_default_str();
  app.add_option("--control-group", options.control_group,
                 "members of this group may use the control socket, and so steer the dam, and read "
                 "its counters [root alone]");
  app.add_option(
         "--pins", options.pins,
         "driver: xdp keeps connections, buckets and bans in this folder of a bpffs, beyond "
         "the end of this process; damctl detach ends them")
      ->capture_default_str();
  app.add_option(
         "--tables", options.tables,
         "driver: dpdk keeps connections, buckets and bans in this folder of a tmpfs, beyond the "
         "end of this process: the next one goes on with them; damctl detach ends them")
      ->capture_default_str();
  app.add_flag("--busy-poll", options.busy_poll,
               "workers never sleep: lowest latency, a whole CPU each");
  app.add_flag("--fresh", options.fresh, "forget the saved policy, wait for the control plane");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error)};
  }
  const std::filesystem::path beside = std::filesystem::path(options.socket).parent_path();
  if (options.counters.empty()) options.counters = beside / "counters";
  if (options.runtime_dir.empty()) options.runtime_dir = beside / "saved";
  if (options.nics.empty()) options.nics = beside / "nics";
  return {options, 0};
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Files by which processes tell others, or those after them, what they know.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/dataplane_link/interface_fields.h"
#include "dataplane/ipc/ban_list.h"
#include "dataplane/ipc/fingerprint_ban_list.h"
#include "dataplane/ipc/policy_builder.h"
#include "dataplane/ipc/saved_state.h"
#include "dataplane/ipc/server_states.h"
#include "dataplane/ipc/start_builder.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/pcapng_file.h"
#include "tests/fuzz/steered_dam.h"
#include "tests/unit/ipc/temporary_directory.h"

namespace dam::fuzz {

inline const TemporaryDirectory& folder() {
  static const TemporaryDirectory kFolder;
  return kFolder;
}

inline void write_file(const std::string& path, std::string_view octets) {
  std::ofstream(path, std::ios::binary)
      .write(octets.data(), static_cast<std::streamsize>(octets.size()));
}

// As Controller::resume() takes it up.
inline void read_saved(std::string_view octets) {
  static const SavedState saved(folder().path());
  static const bool made = (saved.make_folders(geteuid(), getegid()), true);
  check(made, "there are folders");
  const std::string at = folder().path();
  for (const char* name : {"/start.pb", "/policy/servers.pb", "/policy/bans.pb"}) {
    const size_t bytes =
        std::min<size_t>(octets.empty() ? 0 : 1 + static_cast<uint8_t>(octets[0]), octets.size());
    write_file(at + name, octets.substr(0, bytes));
    octets.remove_prefix(bytes);
  }
  for (const char* name : {"/policy/snapshot.pb", "/policy/fingerprint_bans.pb"}) {
    write_file(at + name, octets);
  }
  if (const auto start = saved.start()) read_start(*start);
  ServerStates states;
  if (const auto before = saved.server_states()) states.take(*before);
  BanList bans;
  if (const auto before = saved.bans()) bans.change(*before);
  FingerprintBanList kinds;
  if (const auto before = saved.fingerprint_bans()) kinds.change(*before);
  if (const auto snapshot = saved.snapshot()) {
    const PolicyResult result = build_policy(*snapshot, Limits{}, nullptr);
    if (result.policy) check_policy(*result.policy);
    check((result.policy != nullptr) == result.errors.empty(), "a policy, or errors");
  }
}

// A sound file with octets of the input somewhere in it, or cut short.
inline void read_counters(std::string_view octets) {
  static const std::string path = folder().file("counters");
  auto counters = std::make_unique<dam_counters>();
  counters->magic = DAM_COUNTERS_MAGIC;
  counters->version = DAM_COUNTERS_VERSION;
  counters->size_bytes = sizeof(dam_counters);
  counters->workers = 2;
  auto* all = reinterpret_cast<char*>(counters.get());
  while (octets.size() > 4) {
    const size_t place = little32(octets, 0) % sizeof(dam_counters);
    const size_t bytes = std::min({size_t{64}, octets.size() - 4, sizeof(dam_counters) - place});
    std::memcpy(all + place, octets.data() + 4, bytes);
    octets.remove_prefix(4 + bytes);
  }
  const size_t missing = octets.size() == 4 ? 1 : 0;
  write_file(path, {all, sizeof(dam_counters) - missing});
  const auto read = control::read_counters(path);
  check(read == nullptr || missing == 0, "a file that was cut is none");
  if (!read) return;
  check(read->workers <= DAM_MAX_WORKERS, "workers are bounded");
  for (int slot = 0; slot < DAM_MAX_ZONES; ++slot) control::zone_total(*read, slot);
  for (int slot = 0; slot < DAM_MAX_SERVERS; ++slot) control::server_total(*read, slot);
  check(control::zone_slot(*read, control::field_text(read->driver)) < DAM_MAX_ZONES, "a slot");
  for (const dam_interface_state& one : control::interfaces_of(*read)) {
    control::steering_name(one);
    check(control::field_text(one.device).size() <= DAM_NAME_BYTES, "a name has an end");
  }
}

}  // namespace dam::fuzz

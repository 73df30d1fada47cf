// SPDX-License-Identifier: BSD-3-Clause
// The last Start that opened its ports, the last accepted Snapshot, and the bans, on disk: the
// dataplane alone can start again with its last policy while the control plane is dead.
//
// A Start names devices, which the next run opens as root. So it is written before privileges are
// dropped, into a folder that the unprivileged worker cannot change. The Snapshot and the bans
// change while the worker runs; they lie in a folder of the worker's own, and are read without
// privileges too.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam {

class SavedState {
 public:
  explicit SavedState(std::string directory);

  // The folder itself belongs to this process, the one for the Snapshot to the given user. Throws
  // std::runtime_error with a sentence.
  void make_folders(uid_t uid, gid_t gid) const;

  // Whole or not at all, readable by the owner alone. Returns what went wrong; empty: nothing.
  std::string save(const v1::Start& start) const;
  std::string save(const v1::Snapshot& snapshot) const;
  std::string save(const v1::ServerStates& states) const;
  std::string save(const v1::Bans& bans) const;
  std::string save(const v1::FingerprintBans& bans) const;
  // Nothing when there is no such file, or none that can be read; no Start that others could have
  // written.
  std::optional<v1::Start> start() const;
  std::optional<v1::Snapshot> snapshot() const;
  std::optional<v1::ServerStates> server_states() const;
  std::optional<v1::Bans> bans() const;
  std::optional<v1::FingerprintBans> fingerprint_bans() const;

  // Around an attempt to open the devices of a new Start: when it ends the process, the next run
  // knows, and goes on with the saved one.
  void begin_attempt() const;
  void end_attempt() const;
  bool attempt_failed() const;

 private:
  std::string directory_;
};

}  // namespace dam

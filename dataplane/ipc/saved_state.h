// SPDX-License-Identifier: BSD-3-Clause
// The last accepted Start and Snapshot, on disk: the dataplane alone can start again with its last
// policy while the control plane is dead.
#pragma once

#include <optional>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam {

class SavedState {
 public:
  explicit SavedState(std::string directory);

  // Whole or not at all, readable by the owner alone. Returns what went wrong; empty: nothing.
  std::string save(const v1::Start& start) const;
  std::string save(const v1::Snapshot& snapshot) const;
  // Nothing when there is no such file, or none that can be read.
  std::optional<v1::Start> start() const;
  std::optional<v1::Snapshot> snapshot() const;

 private:
  std::string directory_;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Answers what the control plane asks, and keeps the saved policy.
#pragma once

#include <memory>
#include <string>

#include "dataplane/ipc/dam.pb.h"
#include "dataplane/ipc/saved_state.h"
#include "dataplane/process/keeper.h"
#include "dataplane/process/options.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/running.h"

namespace dam {

class Controller {
 public:
  Controller(const Options& options, Keeper& keeper);

  void resume();  // with what was saved, if anything was
  v1::Reply handle(const v1::Request& request);
  void tick();
  // A Start failed when ports were being opened: only a new process can try again.
  bool failed() const { return failed_; }

 private:
  v1::Reply hello(const v1::Hello& request) const;
  v1::Reply start(const v1::Start& request);
  v1::Reply apply(const v1::Snapshot& request);
  v1::Reply other_start(const v1::Start& request);
  void open(const StartConfig& config);
  void drop_privileges();

  Options options_;
  Account account_;
  SavedState saved_;
  Keeper& keeper_;
  std::unique_ptr<Running> running_;
  uint64_t start_digest_ = 0;
  std::string applied_;  // the Snapshot in force, encoded
  bool failed_ = false;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Answers what the control plane asks, and keeps the saved policy.
//
// A fresh process gives the control plane a moment to say what to open; when nobody does, it goes
// on with what it ran with last. So new interfaces are taken up by a restart, and a dataplane alone
// comes back with its old ones. What could not be opened was never saved.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/ipc/ban_list.h"
#include "dataplane/ipc/dam.pb.h"
#include "dataplane/ipc/fingerprint_ban_list.h"
#include "dataplane/ipc/saved_state.h"
#include "dataplane/ipc/server_states.h"
#include "dataplane/process/capture.h"
#include "dataplane/process/keeper.h"
#include "dataplane/process/options.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/running.h"

namespace dam {

class Controller {
 public:
  Controller(const Options& options, Keeper& keeper);

  v1::Reply handle(const v1::Request& request);
  void tick();    // every 100 ms
  void listen();  // to what became of packets; after listen_within at most
  std::chrono::milliseconds listen_within() const;
  // A Start failed when ports were being opened, or a port went: only a new process can try again.
  bool failed() const { return failed_; }
  bool is_open() const { return running_ != nullptr; }
  // Of the last request, or of the saved state; empty: there was nothing to refuse.
  const std::string& last_refusal() const { return last_refusal_; }
  // Since the last call; true where there are none yet.
  bool workers_move() { return !running_ || running_->workers_move(); }

 private:
  v1::Reply answer(const v1::Request& request);
  v1::Reply hello(const v1::Hello& request) const;
  v1::Reply start(const v1::Start& request);
  v1::Reply apply(const v1::Snapshot& request);
  v1::Reply take_server_states(const v1::ServerStates& request);
  // controller_bans.cc
  v1::Reply bans(const v1::Bans& request);
  v1::Reply bans(const v1::FingerprintBans& request);
  v1::Reply look(const v1::Request& request);  // at zones, sources, connections
  // controller_capture.cc
  v1::Reply capture(const v1::Request& request);
  void order_capture();
  v1::Reply log();
  void load_bans();
  void end_bans();
  void load_fingerprint_bans();
  void end_fingerprint_bans(uint64_t now_unix_s);
  static v1::Reply restart_needed();
  void resume();  // with what was saved, if anything was
  void open(StartConfig config, const v1::Start& start);
  void drop_privileges(const std::vector<uint32_t>& kept);
  void give_counters() const;
  void say_refusal(const v1::Reply& reply);

  Options options_;
  Account account_;
  std::optional<gid_t> control_group_;
  SavedState saved_;
  Keeper& keeper_;
  std::unique_ptr<Running> running_;
  ServerStates server_states_;
  std::optional<std::string> saved_server_states_;  // what of them is on disk, encoded
  uint64_t start_digest_ = 0;
  std::string driver_reason_;  // of `driver: auto`
  std::string applied_;        // the Snapshot in force, encoded
  BanList bans_;
  FingerprintBanList fingerprint_bans_;
  Capture capture_;
  dam_capture capture_ordered_{};  // of the planes
  uint64_t bans_looked_at_unix_s_ = 0;
  uint64_t end_bans_at_unix_s_ = 0;  // not before
  std::string last_refusal_;         // said once, however often it is asked again
  uint64_t resume_at_ns_ = 0;
  uint64_t heard_at_ns_ = 0;  // the control plane's last word
  bool failed_ = false;
};

}  // namespace dam

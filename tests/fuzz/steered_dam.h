// SPDX-License-Identifier: BSD-3-Clause
// What process/controller does with a message, on a small site with connections that stand: the
// same functions in the same order, without ports, users and files. Beside each answer it is held
// that what was refused has changed nothing, and that what was taken lies within the bounds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/ipc/ban_list.h"
#include "dataplane/ipc/fingerprint_ban_list.h"
#include "dataplane/ipc/policy_builder.h"
#include "dataplane/ipc/server_states.h"
#include "dataplane/process/capture.h"
#include "dataplane/process/log_book.h"
#include "dataplane/process/recent_drops.h"
#include "dataplane/process/top.h"
#include "dataplane/process/zone_bans.h"
#include "tests/unit/engine/standing.h"

namespace dam::fuzz {

class SteeredDam {
 public:
  SteeredDam();
  SteeredDam(const SteeredDam&) = delete;
  SteeredDam& operator=(const SteeredDam&) = delete;
  v1::Reply handle(const v1::Request& request);
  void go_on();  // some traffic, and what the control thread does all the time

 private:
  v1::Reply answer(const v1::Request& request);
  v1::Reply apply(const v1::Snapshot& request);
  v1::Reply take_bans(const v1::Bans& request);
  v1::Reply take_bans(const v1::FingerprintBans& request);
  v1::Reply take_states(const v1::ServerStates& request);
  v1::Reply look(const v1::Request& request);
  v1::Reply log();
  void put_in_force(std::shared_ptr<Policy> policy);
  void order_servers();
  Capture::Now now() const;
  std::string state() const;  // all that messages may change

  test::SmallSite& site_;
  const std::vector<test::Connection>& connections_;
  std::shared_ptr<const Policy> policy_;
  BanList bans_;
  FingerprintBanList fingerprint_bans_;
  PrefixSet bans_in_force_;
  uint64_t bans_grown_ = 0;
  ServerStates states_;
  Capture capture_;
  AddressHash hash_{};
  Top top_{hash_};
  RecentDrops recent_drops_{hash_};
  LogBook log_book_;
  ZoneBanWatch zone_bans_;
  uint16_t next_port_ = 41000;
};

// Of what changes nothing, and is the same whatever was before.
std::optional<v1::Reply> answer_without_engine(const v1::Request& request);

// A policy that build_policy has made is what its checks promise.
void check_policy(const Policy& policy);

}  // namespace dam::fuzz

// SPDX-License-Identifier: BSD-3-Clause
// A dataplane with its ports open: the driver, the engine, and a thread for each worker.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/counters_file.h"
#include "dataplane/ipc/server_states.h"
#include "dataplane/ipc/start_builder.h"
#include "dataplane/process/keeper.h"
#include "dataplane/process/link_watch.h"
#include "dataplane/process/log_book.h"
#include "dataplane/process/options.h"
#include "dataplane/process/plane.h"
#include "dataplane/process/recent_drops.h"
#include "dataplane/process/top.h"
#include "dataplane/process/zone_bans.h"

namespace dam {

// Of `driver: auto` it makes dpdk or xdp, and gives the reason; nothing where the policy says it.
std::string settle_driver(StartConfig& config);

// Why these devices cannot be opened, one sentence each, as far as it can be told without trying:
// trying ends the process when it fails, since DPDK starts only once.
std::vector<std::string> obstacles_of(const StartConfig& config);

class Running {
 public:
  // Once in the life of a process: DPDK cannot start twice. Throws std::runtime_error.
  Running(const StartConfig& config, const Options& options, Keeper& keeper);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void start_workers();
  // All errors as sentences; none: every worker has taken the policy up.
  std::vector<std::string> apply(const v1::Snapshot& snapshot, const ServerStates& states);
  void order_servers(const ServerStates& states);
  // In force at once where a policy is; and under each policy that comes. `grown`: some were added.
  void set_bans(PrefixSet bans, bool grown);
  void set_bans(std::vector<Ja4Pattern> bans, bool grown);
  void tick(uint64_t now_ns);  // every 100 ms
  // Takes in what became of packets since the last call; `also` hears it too.
  void take_sights(const SightSink& also);
  // What waits to be logged; nothing before the first policy.
  void give_log(uint64_t now_ns, uint64_t unix_ns, v1::Log& to);
  // Of the packets that it wants both planes tell with their frames; snap_bytes 0 ends it.
  void set_capture(const dam_capture& wanted);
  uint64_t sights_lost() const;
  const Top& top() const { return top_; }
  const RecentDrops& recent_drops() const { return recent_drops_; }

  // What zones and sources are like now. They change nothing but the ban that is changed.
  v1::ZoneBans zone_bans(uint64_t seen) const { return zone_bans_.since(seen); }
  std::string change(const v1::ChangeZoneBan& request) {
    return zone_bans_.change(*engine_, request);
  }
  Engine& engine() { return *engine_; }

  std::string ended_by() const { return plane_->ended_by(); }
  // Each worker has gone round since the last call.
  bool workers_move();
  std::string driver_name() const { return plane_->name(); }
  std::vector<uint32_t> capabilities() const { return plane_->capabilities(); }
  uint64_t policy_version() const { return policy_ == nullptr ? 0 : policy_->version; }

 private:
  void order_servers(const Policy& policy, const ServerStates& states);
  void put_in_force(std::shared_ptr<Policy> policy);
  template <class Bans>
  void change(Bans& bans, Bans wanted, bool grown);
  void wait_until_applied() const;
  uint64_t bans_begun() const;
  void publish_fill();
  void take_hellos();
  void take_refused();
  bool name(const RefusedHello& refused);
  void take_records();
  uint64_t log_every() const;

  Limits limits_;
  std::unique_ptr<Plane> plane_;
  std::unique_ptr<CountersFile> counters_;
  std::unique_ptr<LinkWatch> links_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const Policy> policy_;
  PrefixSet bans_;
  std::vector<Ja4Pattern> ja4_bans_;
  uint64_t bans_grown_ = 0;
  ZoneBanWatch zone_bans_;
  AddressHash address_hash_;
  Top top_{address_hash_};
  RecentDrops recent_drops_{address_hash_};
  LogBook log_book_;
  std::vector<RefusedHello> early_;  // named before their sights were there
  uint64_t records_lost_ = 0;        // that the book knows of
  uint64_t sights_told_lost_ = 0;
  uint64_t next_secret_ns_ = 0;
  std::array<uint64_t, DAM_MAX_WORKERS> cycles_seen_{};  // of each worker, at the last look
};

}  // namespace dam

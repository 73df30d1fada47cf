// SPDX-License-Identifier: BSD-3-Clause
// What happens in a run, drawn from its seed: the site, the faults of the links, the connections,
// and the adversities. What each adversity may do to connections, and for which reasons packets may
// be refused in it, is written beside it; all else is a finding.
#pragma once

#include <bitset>
#include <memory>

#include "dataplane/core/drop_reason.h"
#include "tests/simulation/attacker.h"
#include "tests/simulation/bucket_audit.h"
#include "tests/simulation/world.h"

namespace dam::simulation {

struct Adversities {
  bool links = false;  // loss, duplicates, reordering, damage
  bool heavy_loss = false;
  bool damages = false;
  bool mtu_shrinks = false;
  bool servers_die = false;
  bool servers_refuse = false;
  bool bans = false;
  bool policy_changes = false;
  bool secrets_rotate = false;
  bool clock_jumps = false;
  bool tables_fill = false;
  bool few_ports = false;
  bool limits = false;
  bool slow_worker = false;
  bool attacks = false;
  bool restarts = false;
};

// How a kind of connection may fail in a run, and what of it is a finding: see adversities.cc.
class Scenario {
 public:
  explicit Scenario(Environment& environment);

  void run();
  World& world() { return *world_; }
  const World& world() const { return *world_; }
  const Site& site() const { return site_; }
  const Adversities& adversities() const { return adversities_; }
  const BucketAudit* audit() const { return audit_.get(); }  // null: no zone has limits
  // Why a connection of this seed need not succeed; empty: it must.
  std::string excuse(const Connection& connection);
  bool may_refuse(dam_drop_reason reason) const { return allowed_[static_cast<size_t>(reason)]; }

 private:
  bool lacks_ports_for_management(uint8_t family) const;
  bool is_cut_off(uint16_t client) const;  // banned or denied by now, and no administrator
  void draw_adversities();
  void draw_faults();
  void draw_connections();
  void reuse_port(Connection& connection);
  void start(Connection& connection);
  void draw_endings(Connection& connection);
  void allow_reasons();
  void schedule();
  void schedule_links();
  void schedule_attacks();
  void schedule_servers();
  void schedule_policies();
  uint16_t draw_first_port();
  void schedule_bans();
  void cut_off(uint16_t client);
  void jump(uint64_t ns);
  void schedule_restarts();
  void restart();
  uint64_t some_time() { return random_.below(busy_ns_); }
  void draw_limits();
  void draw_tables();
  void heal();
  bool all_over();
  void run_for(uint64_t ns);

  Environment& environment_;
  Random random_;
  Adversities adversities_;
  Site site_;
  LinkFaults front_;
  LinkFaults back_;
  uint64_t busy_ns_ = 0;  // adversities happen until then
  std::bitset<DAM_DROP_COUNT> allowed_;
  std::bitset<kServers> troubled_;  // these die or refuse
  std::unique_ptr<World> world_;
  std::unique_ptr<BucketAudit> audit_;
  std::unique_ptr<Attacker> attacker_;
};

}  // namespace dam::simulation

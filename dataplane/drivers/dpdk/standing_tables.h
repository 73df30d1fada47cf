// SPDX-License-Identifier: BSD-3-Clause
// What must outlive a dataplane with driver: dpdk, however it ends: connections, buckets, zones'
// bans, next hops, the secrets of cookies, and the key of the NICs' hash, by which the next one's
// workers get the same packets. Nobody forwards meanwhile: TCP waits, and sends again.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "dataplane/core/view.h"
#include "dataplane/drivers/dpdk/reply_hash.h"
#include "dataplane/drivers/netdev/memory_file.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/start_config.h"

namespace dam {

// Comes first in the file. Another build's reads otherwise and is not gone on with.
struct StandingHeader {
  dam_control control;  // magic and version first, in every version
  uint32_t header_bytes;
  uint32_t workers;
  uint64_t site;  // digest of what flows name by its place: interfaces and their addresses
  RssKey rss_key;
  dam_view views[2];  // slots alone; control.active names the one that counts
};

class StandingTables {
 public:
  // Looks at what is there, and changes nothing: a start that fails must not end what waits.
  // Throws std::runtime_error with a sentence: there can be no such memory, or another has it.
  // `fresh` is the key where none is taken over.
  StandingTables(const std::string& folder, const StartConfig& config, uint64_t now_ns,
                 const RssKey& fresh);

  // They hold what a dataplane before this one has left.
  bool adopted() const { return adopted_; }
  // Why the connections that it left do not go on; empty: nothing was there, or they do.
  const std::string& ended() const { return ended_; }
  const RssKey& rss_key() const { return rss_key_; }

  // Adds tables, and what stands in them. What is hashed stays so. Throws std::runtime_error:
  // memory is short.
  void complete(EngineConfig& config, uint64_t now_ns);
  // A policy's slots, before any worker has it: one that was another's is nobody's until settle(),
  // for its connections may still be the other's.
  void announce(const Policy& policy);
  void settle(const Policy& policy);  // every worker has it
  dam_control& control() const { return header_->control; }
  // Every second or so: connections that nobody has forwarded for too long do not go on.
  void beat(uint64_t now_ns) {
    __atomic_store_n(&header_->control.heartbeat_ns, now_ns, __ATOMIC_RELAXED);
  }

 private:
  void begin(const uint64_t hash_key[2]);
  uint32_t not_active() const { return header_->control.active == 0 ? 1 : 0; }
  dam_view& draft() const { return header_->views[not_active()]; }
  void put_draft_in_force() {
    __atomic_store_n(&header_->control.active, not_active(), __ATOMIC_RELEASE);
  }

  MemoryFile file_;
  TableSizes sizes_;
  uint32_t workers_;
  uint64_t site_;
  RssKey rss_key_;
  bool adopted_ = false;
  bool abandoned_ = false;  // too long: buckets and bans are adopted, and no connections
  std::string ended_;
  StandingHeader* header_ = nullptr;  // from complete() on, like all below
  SharedTables tables_;
};

}  // namespace dam

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
  dam_control control;
  uint32_t header_bytes;
  uint32_t workers;
  uint64_t site;  // digest of what flows name by its place: interfaces and their addresses
  RssKey rss_key;
  dam_view views[2];  // slots alone; control.active names the one that counts
};

class StandingTables {
 public:
  // Throws std::runtime_error with a sentence: there is no such memory, or another has it.
  // `rss_key` is a fresh one's.
  StandingTables(const std::string& folder, const StartConfig& config, const RssKey& rss_key);

  // They hold what a dataplane before this one has left.
  bool adopted() const { return adopted_; }
  // Why what it left does not go on; empty: nothing was there, or it does.
  const std::string& ended() const { return ended_; }
  const RssKey& rss_key() const { return header_->rss_key; }

  // Adds tables, and what stands in them. What is hashed stays so.
  void complete(EngineConfig& config, uint64_t now_ns);
  // Before any worker has the policy: its slots are those of before, and some more.
  void record(const Policy& policy);
  void set_secrets(const dam_cookie_secrets& secrets);

 private:
  std::string what_differs(const StartConfig& config) const;
  void begin(const StartConfig& config, const RssKey& rss_key);

  MemoryFile file_;
  std::span<std::byte> memory_;
  StandingHeader* header_ = nullptr;
  SharedTables tables_;
  bool adopted_ = false;
  std::string ended_;
};

}  // namespace dam

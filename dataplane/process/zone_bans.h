// SPDX-License-Identifier: BSD-3-Clause
// The bans that zones have begun, in either plane. Workers tell nobody, which costs them nothing:
// their counters say that one began, and then the control thread goes through the table of sources,
// a part each tick.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

// 0: not banned at now_ns.
uint64_t ban_end_ns(uint64_t penalty, uint64_t now_ns);
SourcePrefix source_of(const SourceTable::Glance& seen, const Zone& zone);

class ZoneBanWatch {
 public:
  ZoneBanWatch();
  // `begun`: how many bans the counters know of. Every 100 ms; a million sources take 0.8 s.
  void tick(const Engine& engine, uint64_t begun, uint64_t now_ns);
  v1::ZoneBans since(uint64_t seen) const;
  // In a service zone that is named a ban is begun where none holds; else one that holds is
  // changed. Returns what is wrong; empty: it is done, or the ban had ended.
  std::string change(Engine& engine, const v1::ChangeZoneBan& request);

 private:
  void look(const Engine& engine, uint64_t now_ns);
  static uint32_t place_of(Engine& engine, const SourceKey& key, bool begins);

  v1::ZoneBans found_, looking_;
  uint64_t begun_ = UINT64_MAX;  // the tables may hold bans of a dataplane before this one
  bool due_ = false;
  bool known_ = false;  // the table was gone through once: what is not found there is not
  uint32_t next_ = 0;   // slot of the table
};

}  // namespace dam

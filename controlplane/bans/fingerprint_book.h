// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients, by their JA4 fingerprints: a few, and in service zones alone. Written
// to the store before anybody hears of them; the dataplane is told all of them each time.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controlplane/bans/ban_book.h"

namespace dam::control {

class FingerprintBook {
 public:
  // As for BanBook.
  FingerprintBook(BanStore& store, BanBook::CurrentPolicy policy, BanBook::Clock clock,
                  BanBook::Report report, bool remembers);

  // For BanBook::ban(): what the requests would change that are of kinds. Whoever has it has the
  // book, until it goes.
  struct Draft {
    std::unique_lock<std::mutex> lock;
    std::string author, origin;
    KindChange change;
    std::vector<Problem> full;  // why there is no room
  };
  // `wrong` hears what speaks against them: without force none may take everybody.
  Draft draft(const std::vector<BanRequest>& requests, const Asker& asker, Objections& wrong);
  void commit(const Draft& draft);  // it is in the store
  BanResult lift(const std::string& ja4);
  std::vector<FingerprintBan> list() const;  // that hold
  std::vector<std::string> zones() const;    // where they do

  EndedBans ended();  // since the start of this program
  void add_to(BanCounts& counts);

  // For BanSync. What the dataplane is to be told that holds `held`; nothing if it is up to date.
  std::optional<v1::FingerprintBans> news_for(uint64_t held);
  // Of what news_for gave last; `refusal`: why the dataplane has not taken it.
  void told(bool taken, const std::string& refusal = "");
  bool wait_until_told(std::chrono::milliseconds most);
  std::string refusal() const;  // of all as it is now; empty: none

 private:
  using All = std::map<std::string, FingerprintBan>;
  size_t holding(int64_t now_unix) const;
  size_t holding_with(const All& put, int64_t now_unix) const;
  FingerprintBan made_of(const BanRequest& request, const Asker& asker, const BanRules& rules,
                         int64_t now_unix) const;
  std::vector<std::string> forgettable(int64_t now_unix) const;
  void take(const KindChange& change);
  void note_ends(int64_t now_unix);
  std::shared_ptr<const Policy> policy_now() const;

  BanStore& store_;
  const BanBook::CurrentPolicy policy_;
  const BanBook::Clock clock_;
  const BanBook::Report report_;
  const bool remembers_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  All all_;
  uint64_t version_;
  bool known_;                  // false: of a store in memory alone, that has heard of nothing yet
  std::set<std::string> lift_;  // what the dataplane holds of before, where nothing is remembered
  uint64_t sent_ = 0;           // versions
  uint64_t in_force_ = 0;
  std::string refusal_;
  int64_t ended_until_unix_;
  uint64_t begun_ = 0, lifted_ = 0;
  EndedBans ended_;
};

}  // namespace dam::control

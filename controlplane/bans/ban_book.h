// SPDX-License-Identifier: BSD-3-Clause
// All bans: which there are, who may be banned, for how long the next time, and what of them the
// dataplane has yet to hear. Written to the store before anybody hears of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "controlplane/bans/ban.h"
#include "controlplane/bans/ban_counts.h"
#include "controlplane/bans/ban_store.h"
#include "controlplane/bans/objections.h"
#include "controlplane/bans/standing_bans.h"
#include "controlplane/policy/model.h"
#include "controlplane/policy/problem.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

struct BanRequest {
  Network source;
  std::optional<int64_t> for_s;  // none of the two: for ever
  std::optional<int64_t> until_unix;
  std::string reason;
  Mark at;          // where it was written
  std::string ja4;  // instead of a source, a kind of clients: dataplane/ipc/ja4_pattern.h

  bool is_of_kind() const { return !ja4.empty(); }
  bool is_over(int64_t now_unix) const { return until_unix && *until_unix <= now_unix; }
};

// Who asks, and how.
struct Asker {
  std::string name;
  std::vector<Address> addresses;
  std::string origin = "operator";
  bool force = false;
};

struct BanResult {
  enum class Outcome { done, refused, full, not_saved, unknown };
  Outcome outcome = Outcome::done;
  std::vector<Problem> problems;
  std::vector<KeptBan> bans;                  // as they are now; of a list none
  std::optional<FingerprintBan> fingerprint;  // likewise
  size_t count = 0;
  size_t skipped = 0;  // of a list, since they are over already

  bool done() const { return outcome == Outcome::done; }
};

// Of a zone's ban: another end, or (0) none any more; a service zone begins it where there is none.
// An empty zone: all of them that hold.
struct ZoneBanChange {
  Network source;
  std::string zone;
  int64_t until_unix = 0;
};

std::vector<std::string> service_zones(const Policy& policy);
size_t most_bans(const BanRules& rules);  // that may hold at one time

// False: it could not be, as `result` says then.
bool stored(BanStore& store, const std::vector<KeptBan>& put, const std::vector<Network>& removed,
            const KindChange& kinds, BanResult& result);

class FingerprintBook;

class BanBook {
 public:
  using CurrentPolicy = std::function<std::shared_ptr<const Policy>()>;
  using Clock = std::function<int64_t()>;  // Unix time, s

  // Of what was banned or lifted: whom, how many, and a sentence.
  using Report = std::function<void(const std::string&, uint64_t, const std::string&)>;

  // `remembers`: false for a store in memory alone. Then what the dataplane holds at first stays:
  // who knows nothing lifts nothing, but what somebody lifts.
  BanBook(BanStore& store, CurrentPolicy policy, Clock clock, Report report = {},
          bool remembers = true);
  ~BanBook();
  BanBook(const BanBook&) = delete;
  BanBook& operator=(const BanBook&) = delete;

  FingerprintBook& fingerprints() { return *fingerprints_; }  // bans of kinds of clients

  // Whole or not at all, nobody where the list is `wrong` already. What is over by then is skipped.
  BanResult ban(const std::vector<BanRequest>& requests, const Asker& asker, Objections wrong = {});
  BanResult lift(const Network& source);
  // In each service zone alone: the way to management stays open, whoever asks. Whom an operator
  // has banned, or who is banned for longer, stays as he is (count 0). `most`: such bans of this
  // asker that may hold.
  BanResult ban_in_services(const BanRequest& request, const Asker& asker, size_t most);

  struct Query {
    std::optional<Network> after;    // in NetworkOrder; where the page before has ended
    std::optional<Address> address;  // only bans that hold this one
    std::string origin;              // only of origins that begin so
    size_t count = 100;
  };
  struct Page {
    std::vector<KeptBan> bans;  // that hold
    size_t total = 0;           // that hold, of any origin
    bool more = false;
  };
  Page list(const Query& query) const;

  // `dataplane_holds`: the version that it says it has.
  BanCounts counts(uint64_t dataplane_holds);
  EndedByOrigin ended();  // since the start of this program

  // What zones have banned by themselves, as the dataplane lists it. `all`: no other zone ban
  // holds. Gives those that last longer now, since the source came back.
  std::vector<KeptBan> note_zone_bans(const std::vector<v1::ZoneBan>& bans, bool all);

  // For BanSync. What the dataplane is to be told that holds `held`; nothing if it is up to date.
  std::optional<v1::Bans> news_for(uint64_t held);
  void told(bool taken);  // of what news_for gave last
  // Has the service zones told of their bans again if `all` or another policy is in force.
  void tell_services(bool all);
  void tell_services_of(const Network& source);  // again, if it is still banned there
  // That the dataplane is to make next, about so many, in order; taken out. What people and zones
  // have said goes before what servers have.
  std::vector<ZoneBanChange> zone_changes(size_t most);
  void again(const std::vector<ZoneBanChange>& changes);  // it could not be asked
  // Waits for news, or for so long.
  void wait(std::chrono::milliseconds most);
  // Waits until the dataplane has all of now; false: it has not, by then.
  bool wait_until_told(std::chrono::milliseconds most);

 private:
  using All = std::map<Network, KeptBan, NetworkOrder>;
  std::shared_ptr<const Policy> policy_now() const;
  const KeptBan* find(const Network& source) const;
  KeptBan made_of(const BanRequest& request, const Asker& asker, const BanRules& rules,
                  int64_t now_unix) const;
  std::optional<KeptBan> noted(const v1::ZoneBan& seen, const Network& source,
                               const BanRules& rules, const class ProtectedAddresses& people,
                               int64_t now_unix) const;
  // Writes, and then has it in memory and for the dataplane; false: nothing has changed. `kinds`
  // are written with it, and no more.
  bool save(const std::vector<KeptBan>& put, const std::vector<Network>& removed, BanResult& result,
            const KindChange& kinds = {});
  // people_bans.cc
  std::vector<KeptBan> of_sources(const std::vector<BanRequest>& requests, const Asker& asker,
                                  const Policy& policy, int64_t now_unix, Objections& wrong) const;
  size_t holding_with(const std::vector<KeptBan>& put, size_t most, int64_t now_unix) const;
  std::vector<Network> forgettable(const BanRules& rules, size_t more, int64_t now_unix);
  size_t holding(int64_t now_unix) const;
  // service_bans.cc
  bool is_held(const Network& source);
  std::string full_of_services(const std::string& author, size_t most) const;
  void report_each(const std::vector<KeptBan>& bans, int64_t now_unix) const;
  void report(const std::vector<KeptBan>& bans, int64_t now_unix) const;
  // ban_counts.cc
  static uint64_t& one_of(PerBanOrigin& counts, const KeptBan& ban);
  void expect_end(const KeptBan& ban);
  void note_ends(int64_t now_unix);

  BanStore& store_;
  const CurrentPolicy policy_;
  const Clock clock_;
  const Report report_;
  const bool remembers_;
  mutable std::mutex mutex_;
  std::condition_variable news_, told_;
  All all_;
  std::set<Network, NetworkOrder> dirty_, on_the_way_;
  StandingBans in_services_;
  std::vector<ZoneBanChange> zone_changes_;
  std::set<Network, NetworkOrder> services_to_tell_;  // of their bans of these
  std::shared_ptr<const Policy> services_of_;  // whose service zones know the bans, or are to
  uint64_t version_;                           // of what is here
  uint64_t told_version_ = 0;                  // the dataplane's
  uint64_t sent_version_ = 0;
  uint64_t changes_ = 0, sent_changes_ = 0, told_changes_ = 0;
  int64_t forget_at_unix_ = 0;
  using End = std::pair<int64_t, Network>;
  struct LaterEnd {
    bool operator()(const End& a, const End& b) const {
      return a.first != b.first ? a.first > b.first : NetworkOrder()(b.second, a.second);
    }
  };
  std::priority_queue<End, std::vector<End>, LaterEnd> ends_;  // to come; the first on top
  int64_t ended_until_unix_ = 0;                               // ends until then are counted
  PerBanOrigin begun_{}, lifted_{}, expired_{};
  EndedByOrigin ended_;
  std::unique_ptr<FingerprintBook> fingerprints_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Keeps the dataplane at the bans of the book, across restarts of either side, and the book at the
// bans that zones have begun. A thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "controlplane/bans/ban_book.h"
#include "controlplane/dataplane_link/dataplane_link.h"

namespace dam::control {

class BanSync {
 public:
  // `log` gets one sentence for each trouble and for each source that is banned for coming back.
  BanSync(BanBook& book, DataplaneLink& link, std::function<void(const std::string&)> log);
  ~BanSync();
  BanSync(const BanSync&) = delete;
  BanSync& operator=(const BanSync&) = delete;

 private:
  void run();
  bool give_news(uint64_t held);
  void give_fingerprints(uint64_t held);
  bool change_in_zones();
  void note_refused(const Network& source);
  void tell_refused();
  void look_at_zones();
  void trouble(const std::string& what);
  void trouble_with_zones(const std::string& what);

  BanBook& book_;
  DataplaneLink& link_;
  const std::function<void(const std::string&)> log_;
  uint64_t zones_seen_ = 0;
  std::chrono::steady_clock::time_point look_at_{};
  std::string trouble_, zone_trouble_, fingerprint_trouble_;
  std::chrono::steady_clock::time_point fingerprints_at_{};  // to be tried again
  uint64_t services_under_ = 0;  // the dataplane's policy when its service zones were told all
  std::set<Network, NetworkOrder> refused_;             // by a service zone
  std::chrono::steady_clock::time_point refused_at_{};  // to be told again
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A dataplane that moves no packets: it speaks dam.proto over a real socket and remembers what it
// was told.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

class TestDataplane {
 public:
  explicit TestDataplane(std::string path);
  ~TestDataplane();
  TestDataplane(const TestDataplane&) = delete;
  TestDataplane& operator=(const TestDataplane&) = delete;

  // Refuses every policy with this sentence; "" accepts again.
  void refuse(const std::string& why);
  // Has no such device.
  void lack(const std::string& device);
  void set_counters_path(const std::string& path);
  std::vector<v1::Start> starts() const;
  std::vector<v1::Snapshot> snapshots() const;
  v1::ServerStates server_states() const;  // the last ones
  std::set<std::string> bans() const;      // as text
  std::set<std::string> fingerprint_bans() const;
  void refuse_bans(bool full);  // operators'
  void refuse_fingerprints(bool as_an_older_one);
  void hold(const v1::Flow& flow);
  void begin_zone_ban(const v1::ZoneBan& ban);
  void refuse_zone_bans(bool full);               // as a full table of sources does
  int lifted() const;                             // of zones
  std::vector<std::string> zone_changes() const;  // "light 198.51.100.7/32"
  std::vector<std::string> charges() const;       // "198.51.100.7/32 0 20": connections, requests
  uint64_t time_charged_ns(const std::string& source) const;
  void explain_as(const v1::Explanation& explanation);

 private:
  void serve();
  void converse(int fd);
  void answer_start(const v1::Start& start, v1::Reply& reply);
  v1::Reply answer(const v1::Request& request);
  void answer_bans(const v1::Request& request, v1::Reply& reply);
  void answer_fingerprints(const v1::Request& request, v1::Reply& reply);

  const std::string path_;
  mutable std::mutex mutex_;
  std::string refusal_;
  std::string missing_device_;
  std::string counters_path_;
  std::vector<v1::Start> starts_;
  std::vector<v1::Snapshot> snapshots_;
  v1::ServerStates server_states_;
  std::set<std::string> bans_;
  uint64_t bans_version_ = 0;
  bool bans_full_ = false;
  std::set<std::string> fingerprint_bans_;
  uint64_t fingerprint_bans_version_ = 0;
  bool knows_no_fingerprints_ = false;
  std::vector<v1::Flow> flows_;
  v1::ZoneBans zone_bans_;
  int lifted_ = 0;
  bool zones_full_ = false;
  std::vector<std::string> zone_changes_, charges_;
  std::map<std::string, uint64_t> time_charged_ns_;  // by source
  v1::Explanation explanation_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};  // a pipe: closing it wakes the thread
  std::thread thread_;
};

// Waits at most five seconds for `condition`.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

}  // namespace dam::control

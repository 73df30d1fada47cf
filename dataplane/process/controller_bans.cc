// SPDX-License-Identifier: BSD-3-Clause
// Operators' bans, and what the dataplane can tell of sources.
#include <exception>
#include <utility>

#include "dataplane/process/charges.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/controller.h"
#include "dataplane/process/explain.h"
#include "dataplane/process/flow_list.h"
#include "dataplane/process/replies.h"
#include "dataplane/process/say.h"

namespace dam {

// The version is said to be held only once it is: memory for the kernel's copy may be short.
v1::Reply Controller::bans(const v1::Bans& request) {
  if (running_ == nullptr) return refusal({"Bans before the Start: no port is open yet."});
  BanList next = bans_;
  const std::vector<std::string> errors = next.change(request);
  if (!errors.empty()) return refusal(errors);
  next.expire(unix_ms() / 1000);
  running_->set_bans(next.set(), request.add_size() > 0);
  bans_ = std::move(next);
  const std::string unsaved = saved_.save(bans_.whole());
  if (!unsaved.empty()) say(unsaved);
  return done();
}

// Before the first policy: nobody passes whom the last run had banned.
void Controller::load_bans() {
  if (options_.fresh) return;
  const auto saved = saved_.bans();
  if (!saved) return;
  const std::vector<std::string> errors = bans_.change(*saved);
  if (!errors.empty()) return say("The saved bans are not used: " + errors.front());
  bans_.expire(unix_ms() / 1000);
  running_->set_bans(bans_.set(), bans_.size() > 0);
  if (bans_.size() > 0) say(std::to_string(bans_.size()) + " bans hold on.");
}

v1::Reply Controller::bans(const v1::FingerprintBans& request) {
  if (running_ == nullptr) return refusal({"Bans before the Start: no port is open yet."});
  FingerprintBanList next = fingerprint_bans_;
  const std::vector<std::string> errors = next.change(request);
  if (!errors.empty()) return refusal(errors);
  next.expire(unix_ms() / 1000);
  running_->set_bans(next.patterns(), next.size() > 0);
  fingerprint_bans_ = std::move(next);
  const std::string unsaved = saved_.save(fingerprint_bans_.whole());
  if (!unsaved.empty()) say(unsaved);
  return done();
}

void Controller::load_fingerprint_bans() {
  if (options_.fresh) return;
  const auto saved = saved_.fingerprint_bans();
  if (!saved) return;
  const std::vector<std::string> errors = fingerprint_bans_.change(*saved);
  if (!errors.empty()) {
    return say("The saved bans of fingerprints are not used: " + errors.front());
  }
  fingerprint_bans_.expire(unix_ms() / 1000);
  running_->set_bans(fingerprint_bans_.patterns(), fingerprint_bans_.size() > 0);
}

void Controller::end_fingerprint_bans(uint64_t now_unix_s) {
  FingerprintBanList next = fingerprint_bans_;
  if (!next.expire(now_unix_s)) return;
  running_->set_bans(next.patterns(), false);
  fingerprint_bans_ = std::move(next);
}

// A clock that went ahead and comes back has ended bans before their time: all are asked for anew.
void Controller::end_bans() {
  const uint64_t now_unix_s = unix_ms() / 1000;
  if (now_unix_s + 2 < bans_looked_at_unix_s_) {
    bans_.distrust();
    fingerprint_bans_.distrust();
  }
  bans_looked_at_unix_s_ = now_unix_s;
  if (now_unix_s < end_bans_at_unix_s_) return;
  try {
    end_fingerprint_bans(now_unix_s);
    if (!bans_.has_ended(now_unix_s)) return;
    BanList next = bans_;
    next.expire(now_unix_s);
    running_->set_bans(next.set(), false);
    bans_ = std::move(next);
  } catch (const std::exception& error) {  // memory for the kernel's copy
    end_bans_at_unix_s_ = now_unix_s + 5;
    say(std::string("Bans that have ended hold for 5 seconds more: ") + error.what());
  }
}

v1::Reply Controller::look(const v1::Request& request) {
  if (running_ == nullptr)
    return refusal({"No port is open yet: nothing is known of any source or connection."});
  v1::Reply reply = done();
  if (request.has_zone_bans()) {
    *reply.mutable_zone_bans() = running_->zone_bans(request.zone_bans().seen());
    return reply;
  }
  std::string wrong;
  Engine& engine = running_->engine();
  if (request.has_end_flows()) {
    end_flows(engine, request.end_flows(), *reply.mutable_flows());
  } else if (request.has_flows()) {
    wrong = list_flows(engine, request.flows(), monotonic_ns(), *reply.mutable_flows());
  } else if (request.has_change_zone_ban()) {
    wrong = running_->change(request.change_zone_ban());
  } else if (request.has_charge_sources()) {
    wrong = charge(engine, request.charge_sources(), monotonic_ns());
  } else if (request.has_top()) {
    wrong = running_->top().answer(request.top(), monotonic_ns(), *reply.mutable_top());
    reply.mutable_top()->set_lost(running_->sights_lost());
  } else {
    wrong = explain(engine, running_->recent_drops(), request.explain().address(),
                    *reply.mutable_explanation());
  }
  return wrong.empty() ? reply : refusal({wrong});
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/steered_dam.h"

#include <algorithm>

#include "dataplane/process/charges.h"
#include "dataplane/process/explain.h"
#include "dataplane/process/flow_list.h"
#include "dataplane/process/replies.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/prototype.h"

namespace dam::fuzz {

using namespace dam::test;

namespace {

Prototype& prototype() {
  static Prototype made;
  return made;
}

}  // namespace

SteeredDam::SteeredDam() : site_(prototype().put_back()), connections_(prototype().connections()) {
  site_.restart();
  Policy policy = site_.draft();
  add_plain_http(policy);
  site_.apply(policy);
  site_.advance(5 * kMillisecond);
  check(site_.flows() == connections_.size(), "they stand");
  policy_ = std::shared_ptr<const Policy>(std::shared_ptr<void>(), site_.engine().policy());
}

Capture::Now SteeredDam::now() const { return {site_.now_ns(), site_.now_ns() * 2, 0}; }

std::string SteeredDam::state() const {
  auto& engine = const_cast<SmallSite&>(site_).engine();
  std::string all = std::to_string(reinterpret_cast<uintptr_t>(engine.policy()));
  all += std::to_string(engine.policy()->version);
  all += bans_.whole().SerializeAsString() + fingerprint_bans_.whole().SerializeAsString() +
         states_.lasting().SerializeAsString();
  const dam_capture& wanted = capture_.wanted();
  all.append(reinterpret_cast<const char*>(&wanted), sizeof wanted);
  for (const ServerStatus& server : engine.servers) all += std::to_string(server.order.load());
  all +=
      std::to_string(engine.worker(0).flows_used()) + std::to_string(engine.worker(0).has_ends());
  return all;
}

v1::Reply SteeredDam::handle(const v1::Request& request) {
  const std::string before = state();
  v1::Reply reply = answer(request);
  check(reply.ok() == (reply.errors_size() == 0), "done, or errors");
  check(reply.errors_size() <= 101, "not without end");
  if (!reply.ok()) check(state() == before, "what is refused changes nothing");
  go_on();
  return reply;
}

v1::Reply SteeredDam::answer(const v1::Request& request) {
  switch (request.what_case()) {
    case v1::Request::kApply:
      return apply(request.apply());
    case v1::Request::kServerStates:
      return take_states(request.server_states());
    case v1::Request::kBans:
      return take_bans(request.bans());
    case v1::Request::kFingerprintBans:
      return take_bans(request.fingerprint_bans());
    case v1::Request::kStartCapture:
    case v1::Request::kReadCapture:
    case v1::Request::kStopCapture: {
      v1::Reply reply =
          capture_.answer(request, policy_.get(), site_.engine().config().interfaces, now());
      site_.engine().set_capture(capture_.wanted());
      return reply;
    }
    case v1::Request::kTakeLog:
      return log();
    default:
      return look(request);
  }
}

v1::Reply SteeredDam::apply(const v1::Snapshot& request) {
  if (request.version() == policy_->version) return refusal({"It is in force already."});
  const PolicyResult result = build_policy(request, SmallSite::small_limits(), policy_.get());
  check((result.policy != nullptr) == result.errors.empty(), "a policy, or errors");
  if (!result.policy) return refusal(result.errors);
  check_policy(*result.policy);
  put_in_force(result.policy);
  order_servers();
  return done();
}

void SteeredDam::put_in_force(std::shared_ptr<Policy> policy) {
  policy->bans = bans_in_force_;
  policy->ja4_bans = fingerprint_bans_.patterns();
  policy->bans_grown = bans_grown_;
  policy->derive();
  site_.engine().apply(policy);
  policy_ = std::move(policy);
}

void SteeredDam::order_servers() {
  for (size_t slot = 0; slot < policy_->servers.size(); ++slot) {
    site_.engine().order(static_cast<uint16_t>(slot),
                         states_.order_of(policy_->servers[slot].name));
  }
}

v1::Reply SteeredDam::take_bans(const v1::Bans& request) {
  BanList next = bans_;
  const std::vector<std::string> errors = next.change(request);
  if (!errors.empty()) return refusal(errors);
  check(next.version() == request.version() && next.size() <= kMaxBans, "it is held");
  BanList again;
  check(again.change(next.whole()).empty(), "what is saved can be read");
  check(again.whole().SerializeAsString() == next.whole().SerializeAsString(), "and is the same");
  next.expire(now().unix_ns / 1'000'000'000);
  bans_in_force_ = next.set();
  bans_grown_ += request.add_size() > 0 ? 1 : 0;
  put_in_force(std::make_shared<Policy>(*policy_));
  bans_ = std::move(next);
  return done();
}

v1::Reply SteeredDam::take_bans(const v1::FingerprintBans& request) {
  FingerprintBanList next = fingerprint_bans_;
  const std::vector<std::string> errors = next.change(request);
  if (!errors.empty()) return refusal(errors);
  check(next.version() == request.version() && next.size() <= kMaxJa4Bans, "it is held");
  FingerprintBanList again;
  check(again.change(next.whole()).empty(), "what is saved can be read");
  check(again.whole().SerializeAsString() == next.whole().SerializeAsString(), "and is the same");
  next.expire(now().unix_ns / 1'000'000'000);
  bans_grown_ += next.size() > 0 ? 1 : 0;
  fingerprint_bans_ = std::move(next);
  put_in_force(std::make_shared<Policy>(*policy_));
  return done();
}

v1::Reply SteeredDam::take_states(const v1::ServerStates& request) {
  const std::vector<std::string> errors = states_.take(request);
  if (!errors.empty()) return refusal(errors);
  order_servers();
  ServerStates again;
  check(again.take(states_.lasting()).empty(), "what is saved can be read");
  return done();
}

v1::Reply SteeredDam::look(const v1::Request& request) {
  v1::Reply reply = done();
  std::string wrong;
  Engine& engine = site_.engine();
  if (request.has_zone_bans()) {
    *reply.mutable_zone_bans() = zone_bans_.since(request.zone_bans().seen());
  } else if (request.has_end_flows()) {
    end_flows(engine, request.end_flows(), *reply.mutable_flows());
  } else if (request.has_flows()) {
    wrong = list_flows(engine, request.flows(), site_.now_ns(), *reply.mutable_flows());
    check(reply.flows().flows_size() <= static_cast<int>(kMostFlowsAnAnswer), "no more fit");
  } else if (request.has_change_zone_ban()) {
    wrong = zone_bans_.change(engine, request.change_zone_ban());
  } else if (request.has_charge_sources()) {
    wrong = charge(engine, request.charge_sources(), site_.now_ns());
  } else if (request.has_top()) {
    wrong = top_.answer(request.top(), site_.now_ns(), *reply.mutable_top());
  } else {
    wrong =
        explain(engine, recent_drops_, request.explain().address(), *reply.mutable_explanation());
  }
  return wrong.empty() ? reply : refusal({wrong});
}

v1::Reply SteeredDam::log() {
  v1::Reply reply = done();
  log_book_.give(*policy_, site_.now_ns(), now().unix_ns, *reply.mutable_log());
  return reply;
}

void SteeredDam::go_on() {
  for (const Connection& c : connections_) {
    site_.send(kFrontPort, c.client.segment(kAck, "up"));
    site_.send(c.server_port, c.from_server(kAck, "down", server_next(c), server_ack(c)));
  }
  ClientSide newcomer;
  newcomer.port = next_port_++;
  establish(site_, newcomer, "www.example.org");
  site_.advance(10 * kMillisecond);
  Engine& engine = site_.engine();
  engine.control_tick(site_.now_ns());
  zone_bans_.tick(engine, site_.bans(kServiceZone), site_.now_ns());
  top_.tick(site_.now_ns());
  dam_sight sight;
  SightRing::FrameBytes frame;
  while (engine.worker(0).take_sight(sight, frame)) {
    top_.take(sight);
    recent_drops_.take(sight);
    log_book_.take(sight);
    capture_.take(sight, {frame.data(), sight.captured_bytes});
  }
  ConnectionRecord record;
  while (engine.worker(0).take_record(record)) log_book_.take(record);
  capture_.tick(now(), policy_.get());
  engine.set_capture(capture_.wanted());
}

}  // namespace dam::fuzz

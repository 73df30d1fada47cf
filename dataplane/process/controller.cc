// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/controller.h"

#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "dataplane/ipc/framing.h"
#include "dataplane/ipc/policy_builder.h"
#include "dataplane/ipc/start_digest.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/replies.h"
#include "dataplane/process/say.h"
#include "dataplane/process/service_manager.h"

namespace dam {
namespace {

constexpr uint64_t kGraceNs = 1'500'000'000;  // the control plane tries twice a second
constexpr uint64_t kRetryNs = 1'000'000'000;
constexpr uint64_t kBelievedNs = 60'000'000'000;  // what checks found, without a control plane

std::vector<std::string> obstacles_to(StartConfig config, const Options& options) {
  config.nic_records = options.nics;
  const std::string reason = settle_driver(config);
  std::vector<std::string> obstacles = obstacles_of(config);
  if (!obstacles.empty() && !reason.empty()) {
    obstacles.push_back("driver: auto is " + config.driver + " here, since " + reason + ".");
  }
  return obstacles;
}

}  // namespace

Controller::Controller(const Options& options, Keeper& keeper)
    : options_(options),
      account_(find_account(options.user)),
      saved_(options.runtime_dir),
      keeper_(keeper),
      resume_at_ns_(monotonic_ns() + kGraceNs) {
  if (!options.control_group.empty()) control_group_ = find_group(options.control_group);
  if (control_group_ == account_.gid && account_.uid != 0) {
    throw std::runtime_error("--control-group " + options.control_group + " is the group of user " +
                             account_.name + ": whatever else runs as it would steer the dam.");
  }
  saved_.make_folders(account_.uid, account_.gid);
  if (!saved_.attempt_failed()) return;
  say("The interfaces that were wanted last could not be opened: going on with those before.");
  saved_.end_attempt();
  resume_at_ns_ = 0;
}

void Controller::resume() {
  resume_at_ns_ = monotonic_ns() + kRetryNs;
  if (options_.fresh) return;
  const auto start = saved_.start();
  if (!start) return;
  const StartResult result = read_start(*start);
  const std::vector<std::string> wrong =
      result.config ? obstacles_to(*result.config, options_) : result.errors;
  if (!wrong.empty()) return say_refusal(refusal(wrong));
  say("Going on with the saved policy from " + options_.runtime_dir + ".");
  open(*result.config, *start);
  if (const auto states = saved_.server_states()) say_refusal(take_server_states(*states));
  const auto snapshot = saved_.snapshot();
  if (snapshot) say_refusal(apply(*snapshot));
}

void Controller::say_refusal(const v1::Reply& reply) {
  std::string text;
  for (const std::string& error : reply.errors()) {
    text += (text.empty() ? "Refused: " : "\nRefused: ") + error;
  }
  if (!text.empty() && text != last_refusal_) say(text);
  last_refusal_ = std::move(text);
}

v1::Reply Controller::handle(const v1::Request& request) {
  heard_at_ns_ = monotonic_ns();
  v1::Reply reply = answer(request);
  // Those come all the time, and say nothing about what was refused before.
  if (!request.has_hello() && !request.has_take_log()) say_refusal(reply);
  return reply;
}

v1::Reply Controller::answer(const v1::Request& request) {
  switch (request.what_case()) {
    case v1::Request::kHello:
      return hello(request.hello());
    case v1::Request::kStart:
      return start(request.start());
    case v1::Request::kApply:
      return apply(request.apply());
    case v1::Request::kCheck: {
      const PolicyResult result = build_policy(request.check(), Limits{}, nullptr);
      return result.policy ? done() : refusal(result.errors);
    }
    case v1::Request::kServerStates:
      return take_server_states(request.server_states());
    case v1::Request::kBans:
      return bans(request.bans());
    case v1::Request::kFingerprintBans:
      return bans(request.fingerprint_bans());
    case v1::Request::kZoneBans:
    case v1::Request::kChangeZoneBan:
    case v1::Request::kExplain:
    case v1::Request::kFlows:
    case v1::Request::kTop:
    case v1::Request::kEndFlows:
    case v1::Request::kChargeSources:
      return look(request);
    case v1::Request::kStartCapture:
    case v1::Request::kReadCapture:
    case v1::Request::kStopCapture:
      return capture(request);
    case v1::Request::kTakeLog:
      return log();
    default:
      return refusal({"A request that asks for nothing known."});
  }
}

v1::Reply Controller::hello(const v1::Hello& request) const {
  if (request.protocol_version() != kProtocolVersion) {
    return refusal({"The control plane speaks version " +
                    std::to_string(request.protocol_version()) +
                    " of the messages, the dataplane " + std::to_string(kProtocolVersion) +
                    "; install both from one release."});
  }
  v1::Reply reply = done();
  v1::HelloReply& about = *reply.mutable_hello();
  about.set_protocol_version(kProtocolVersion);
  about.set_started(running_ != nullptr);
  about.set_counters_path(options_.counters);
  if (running_ == nullptr) return reply;
  about.set_policy_version(running_->policy_version());
  about.set_driver(running_->driver_name());
  about.set_start_digest(start_digest_);
  about.set_driver_reason(driver_reason_);
  about.set_bans_version(bans_.version());
  about.set_fingerprint_bans_version(fingerprint_bans_.version());
  return reply;
}

v1::Reply Controller::start(const v1::Start& request) {
  const StartResult result = read_start(request);
  if (!result.config) return refusal(result.errors);
  if (running_ != nullptr && start_digest(request) == start_digest_) return done();
  const std::vector<std::string> obstacles = obstacles_to(*result.config, options_);
  if (!obstacles.empty()) return refusal(obstacles);
  if (running_ != nullptr) return restart_needed();
  try {
    saved_.begin_attempt();
    open(*result.config, request);
  } catch (const std::exception& error) {
    failed_ = true;
    return refusal({error.what()});
  }
  return done();
}

// Ports and tables are fixed while the process lives, and what it may no longer write is not its
// to keep: the control plane says it again to the next one.
v1::Reply Controller::restart_needed() {
  v1::Reply reply = done();
  reply.set_restart_needed(true);
  return reply;
}

v1::Reply Controller::apply(const v1::Snapshot& request) {
  if (running_ == nullptr) return refusal({"A Snapshot before the Start: no port is open yet."});
  std::string encoded = request.SerializeAsString();
  if (encoded == applied_) return done();
  // Workers tell policies apart by their version.
  if (!applied_.empty() && request.version() == running_->policy_version()) {
    return refusal({"Policy version " + std::to_string(request.version()) +
                    " is in force already, with other contents."});
  }
  const std::vector<std::string> errors = running_->apply(request, server_states_);
  if (!errors.empty()) return refusal(errors);
  applied_ = std::move(encoded);
  const std::string unsaved = saved_.save(request);
  if (!unsaved.empty()) say(unsaved);
  say("Policy version " + std::to_string(request.version()) + " is in force.");
  return done();
}

v1::Reply Controller::take_server_states(const v1::ServerStates& request) {
  const std::vector<std::string> errors = server_states_.take(request);
  if (!errors.empty()) return refusal(errors);
  if (running_ != nullptr) running_->order_servers(server_states_);
  const v1::ServerStates lasting = server_states_.lasting();
  std::string encoded = lasting.SerializeAsString();
  if (encoded == saved_server_states_) return done();
  const std::string unsaved = saved_.save(lasting);
  if (!unsaved.empty()) say(unsaved);
  saved_server_states_ = std::move(encoded);
  return done();
}

void Controller::open(StartConfig config, const v1::Start& start) {
  ServiceManager::opening();
  config.nic_records = options_.nics;
  driver_reason_ = settle_driver(config);
  if (!driver_reason_.empty()) {
    say("driver: auto is " + config.driver + ": " + driver_reason_ + ".");
  }
  auto running = std::make_unique<Running>(config, options_, keeper_);
  const std::string unsaved = saved_.save(start);
  if (!unsaved.empty()) say(unsaved);
  saved_.end_attempt();
  give_counters();
  keeper_.seal();
  drop_privileges(running->capabilities());
  running->start_workers();
  running_ = std::move(running);
  load_bans();
  load_fingerprint_bans();
  start_digest_ = start_digest(start);
}

void Controller::give_counters() const {
  if (!control_group_) return;
  if (chown(options_.counters.c_str(), static_cast<uid_t>(-1), *control_group_) != 0) {
    throw std::runtime_error(options_.counters + " cannot be given to the group " +
                             options_.control_group + ".");
  }
}

void Controller::drop_privileges(const std::vector<uint32_t>& kept) {
  if (account_.uid == 0) {
    say("WARNING: stays root, as --user asks.");
    return;
  }
  become(account_, kept);
  keeper_.end_with_parent();
  say("The ports are open; from here on as user " + account_.name +
      (kept.empty()       ? ", without capabilities."
       : kept.size() == 1 ? ", with CAP_NET_ADMIN."
                          : ", with CAP_NET_ADMIN and CAP_BPF."));
}

void Controller::tick() {
  const uint64_t now_ns = monotonic_ns();
  if (running_ != nullptr) {
    running_->tick(now_ns);
    if (now_ns - heard_at_ns_ > kBelievedNs && server_states_.forget_health()) {
      say("No control plane renews what its checks found: servers are as the dam's probes see "
          "them.");
      running_->order_servers(server_states_);
    }
    end_bans();
    const std::string end = running_->ended_by();
    if (!end.empty()) say(end);
    failed_ |= !end.empty();
  } else if (now_ns >= resume_at_ns_) {
    resume();
  }
}

}  // namespace dam

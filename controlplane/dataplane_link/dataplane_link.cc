// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/dataplane_link/dataplane_link.h"

#include <algorithm>

#include "controlplane/policy/compile.h"
#include "dataplane/ipc/framing.h"
#include "dataplane/ipc/start_digest.h"

namespace dam::control {

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstRetry = 50ms;
constexpr auto kLastRetry = 500ms;  // a restarted dataplane is found within a second
constexpr auto kLookEvery = 500ms;
constexpr auto kHelloPatience = 5s;
constexpr auto kStartPatience = 120s;  // opening ports and clearing huge pages takes its time
constexpr auto kApplyPatience = 60s;   // so does a list of a million networks

std::string refusal_of(const Delivery& delivery) {
  return "the dataplane refuses the policy: " +
         (delivery.errors.empty() ? "no reason given" : delivery.errors.front());
}

}  // namespace

DataplaneLink::DataplaneLink(std::string socket_path, std::function<void(const std::string&)> log)
    : socket_path_(std::move(socket_path)), log_(std::move(log)), thread_([this] { run(); }) {}

DataplaneLink::~DataplaneLink() {
  {
    const std::lock_guard lock(state_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

LinkState DataplaneLink::state() const {
  const std::lock_guard lock(state_mutex_);
  return state_;
}

void DataplaneLink::update(const std::function<void(LinkState&)>& change) {
  const std::lock_guard lock(state_mutex_);
  change(state_);
}

void DataplaneLink::run() {
  auto retry = std::chrono::milliseconds(kFirstRetry);
  while (true) {
    bool connected = false;
    {
      const std::lock_guard talking(conversation_);
      look_after();
      connected = connection_.is_open();
    }
    std::unique_lock lock(state_mutex_);
    const auto pause = connected ? std::chrono::milliseconds(kLookEvery) : retry;
    retry = connected ? std::chrono::milliseconds(kFirstRetry)
                      : std::min(retry * 2, std::chrono::milliseconds(kLastRetry));
    if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
  }
}

void DataplaneLink::trouble(const std::string& what) {
  bool fresh = false;
  update([&](LinkState& s) {
    fresh = s.trouble != what;
    s.trouble = what;
  });
  if (fresh && !what.empty()) log_(what);
}

void DataplaneLink::lost(const std::string& why) {
  in_force_ = false;
  states_known_ = false;
  update([](LinkState& s) {
    LinkState fresh;
    fresh.counters_path = s.counters_path;  // what it counted may still be read
    fresh.trouble = s.trouble;
    s = fresh;
  });
  trouble("the dataplane does not answer: " + why);
}

void DataplaneLink::look_after() {
  if (!connection_.is_open()) {
    const std::string wrong = connection_.open(socket_path_);
    if (!wrong.empty()) return lost(wrong);
    if (!hello()) return;
    log_("connected to the dataplane at " + socket_path_);
  } else if (!hello()) {
    return;
  }
  if (!states_known_ && !send_states()) return;  // first: a drained server gets no connection
  if (!wanted_ || in_force_) return;
  const Delivery delivery = apply(*wanted_);
  if (delivery.outcome == Delivery::Outcome::refused) trouble(refusal_of(delivery));
}

bool DataplaneLink::hello() {
  v1::Request request;
  request.mutable_hello()->set_protocol_version(kProtocolVersion);
  std::string wrong;
  const auto reply = connection_.call(request, kHelloPatience, wrong);
  if (!reply) {
    lost(wrong);
    return false;
  }
  const v1::HelloReply& hello = reply->hello();
  if (!reply->ok() || hello.protocol_version() != kProtocolVersion) {
    connection_.close();
    lost(reply->errors_size() > 0 ? reply->errors(0) : "it speaks another protocol version");
    return false;
  }
  version_ = std::max(version_, hello.policy_version());
  const bool differs =
      hello.started() && wanted_ && hello.start_digest() != start_digest(compile_start(*wanted_));
  update([&](LinkState& s) {
    s.connected = true;
    s.started = hello.started();
    s.policy_version = hello.policy_version();
    s.driver = hello.driver();
    s.driver_reason = hello.driver_reason();
    s.counters_path = hello.counters_path();
    s.start_digest = hello.start_digest();
    s.bans_version = hello.bans_version();
    s.fingerprint_bans_version = hello.fingerprint_bans_version();
    s.restart_needed = differs;
    if (in_force_ || !wanted_) s.trouble.clear();
  });
  return true;
}

bool DataplaneLink::start(const Policy& policy, std::vector<std::string>& errors) {
  const LinkState now = state();
  v1::Request request;
  *request.mutable_start() = compile_start(policy);
  if (now.started && now.start_digest == start_digest(request.start())) return true;
  std::string wrong;
  const auto reply = connection_.call(request, kStartPatience, wrong);
  if (!reply) {
    lost(wrong);
    return false;
  }
  errors.assign(reply->errors().begin(), reply->errors().end());
  // A dataplane that runs looks at another Start, and takes it up when it is restarted.
  return reply->ok() && (reply->restart_needed() || hello());
}

// Before ports are opened for it: a policy that is refused must not have begun to work.
bool DataplaneLink::check(const v1::Snapshot& snapshot, std::vector<std::string>& errors) {
  v1::Request request;
  *request.mutable_check() = snapshot;
  std::string wrong;
  const auto reply = connection_.call(request, kApplyPatience, wrong);
  if (!reply) {
    lost(wrong);
    return false;
  }
  errors.assign(reply->errors().begin(), reply->errors().end());
  return reply->ok();
}

bool DataplaneLink::send_states() {
  v1::Request request;
  *request.mutable_server_states() = states_;
  std::string wrong;
  const auto reply = connection_.call(request, kHelloPatience, wrong);
  if (!reply) {
    lost(wrong);
    return false;
  }
  states_known_ = true;  // what it refuses it refuses the next time too
  if (!reply->ok() && reply->errors_size() > 0) {
    log_("the dataplane refuses the servers' states: " + reply->errors(0));
  }
  return reply->ok();
}

bool DataplaneLink::deliver(v1::ServerStates states) {
  const std::lock_guard talking(conversation_);
  states_ = std::move(states);
  states_known_ = false;
  return connection_.is_open() && send_states();
}

Delivery DataplaneLink::apply(const Policy& policy) {
  Delivery delivery;
  const uint64_t version = version_ + 1;
  v1::Request request;
  *request.mutable_apply() = compile_snapshot(policy, version);
  const bool sound = state().started || check(request.apply(), delivery.errors);
  if (!sound || !start(policy, delivery.errors)) {
    if (connection_.is_open()) delivery.outcome = Delivery::Outcome::refused;
    return delivery;
  }
  std::string wrong;
  const auto reply = connection_.call(request, kApplyPatience, wrong);
  if (!reply) {
    lost(wrong);
    return delivery;
  }
  if (!reply->ok()) {
    delivery.outcome = Delivery::Outcome::refused;
    delivery.errors.assign(reply->errors().begin(), reply->errors().end());
    return delivery;
  }
  version_ = version;
  in_force_ = true;
  delivery.outcome = Delivery::Outcome::applied;
  delivery.policy_version = version;
  update([&](LinkState& s) {
    s.policy_version = version;
    s.trouble.clear();
  });
  log_("policy version " + std::to_string(version) + " is in force");
  return delivery;
}

Delivery DataplaneLink::deliver(Shared policy) {
  const std::lock_guard talking(conversation_);
  Delivery delivery;
  if (connection_.is_open()) delivery = apply(*policy);
  if (delivery.outcome == Delivery::Outcome::refused) {
    if (wanted_) return delivery;
    delivery.outcome = Delivery::Outcome::waiting;
    trouble(refusal_of(delivery));
  }
  wanted_ = std::move(policy);
  if (delivery.outcome == Delivery::Outcome::applied && hello()) {
    delivery.restart_needed = state().restart_needed;
  }
  wake_.notify_all();
  return delivery;
}

std::optional<v1::Reply> DataplaneLink::ask(const v1::Request& request,
                                            std::chrono::milliseconds patience,
                                            std::string& wrong) {
  const std::unique_lock talking(conversation_, patience);
  if (!talking) {
    wrong = "the dataplane is busy with a policy or a list";
    return std::nullopt;
  }
  if (!connection_.is_open()) {
    wrong = "the dataplane does not answer";
    return std::nullopt;
  }
  auto reply = connection_.call(request, patience, wrong);
  if (!reply) {
    lost(wrong);
    return std::nullopt;
  }
  if (request.has_bans() && reply->ok()) {
    update([&](LinkState& s) { s.bans_version = request.bans().version(); });
  }
  if (request.has_fingerprint_bans() && reply->ok()) {
    update(
        [&](LinkState& s) { s.fingerprint_bans_version = request.fingerprint_bans().version(); });
  }
  if (!reply->ok()) wrong = reply->errors_size() > 0 ? reply->errors(0) : "no reason given";
  return reply;
}

}  // namespace dam::control

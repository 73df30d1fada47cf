// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/controller.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "dataplane/ipc/framing.h"
#include "dataplane/ipc/start_digest.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

v1::Reply refusal(const std::vector<std::string>& errors) {
  v1::Reply reply;
  for (const std::string& error : errors) {
    reply.add_errors(error);
    say("Refused: " + error);
  }
  return reply;
}

v1::Reply done() {
  v1::Reply reply;
  reply.set_ok(true);
  return reply;
}

uint64_t monotonic_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

void make_private(const std::string& directory, const Account& account) {
  std::filesystem::create_directories(directory);
  if (chown(directory.c_str(), account.uid, account.gid) != 0 ||
      chmod(directory.c_str(), S_IRWXU) != 0) {
    throw std::runtime_error("The runtime directory " + directory + " cannot be given to user \"" +
                             account.name + "\".");
  }
}

}  // namespace

Controller::Controller(const Options& options, Keeper& keeper)
    : options_(options),
      account_(find_account(options.user)),
      saved_(options.runtime_dir),
      keeper_(keeper) {
  make_private(options_.runtime_dir, account_);
}

void Controller::resume() {
  if (options_.fresh) return;
  const auto saved_start = saved_.start();
  if (!saved_start) return;
  StartResult result = read_start(*saved_start);
  if (!result.config) return;
  say("Going on with the saved policy from " + options_.runtime_dir + ".");
  open(*result.config);
  start_digest_ = start_digest(*saved_start);
  const auto snapshot = saved_.snapshot();
  if (snapshot) apply(*snapshot);
}

v1::Reply Controller::handle(const v1::Request& request) {
  switch (request.what_case()) {
    case v1::Request::kHello:
      return hello(request.hello());
    case v1::Request::kStart:
      return start(request.start());
    case v1::Request::kApply:
      return apply(request.apply());
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
  return reply;
}

v1::Reply Controller::start(const v1::Start& request) {
  const StartResult result = read_start(request);
  if (!result.config) return refusal(result.errors);
  if (running_ != nullptr) return other_start(request);
  try {
    open(*result.config);
  } catch (const std::exception& error) {
    failed_ = true;
    return refusal({error.what()});
  }
  start_digest_ = start_digest(request);
  const std::string unsaved = saved_.save(request);
  if (!unsaved.empty()) say(unsaved);
  return done();
}

// Ports and tables are fixed while the process lives; the new ones are kept for the next start.
v1::Reply Controller::other_start(const v1::Start& request) {
  if (start_digest(request) == start_digest_) return done();
  const std::string unsaved = saved_.save(request);
  if (!unsaved.empty()) say(unsaved);
  return refusal(
      {"The dataplane runs with other interfaces, workers or table sizes; restart "
       "dam-dataplane to take these up."});
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
  const std::vector<std::string> errors = running_->apply(request);
  if (!errors.empty()) return refusal(errors);
  applied_ = std::move(encoded);
  const std::string unsaved = saved_.save(request);
  if (!unsaved.empty()) say(unsaved);
  say("Policy version " + std::to_string(request.version()) + " is in force.");
  return done();
}

void Controller::open(const StartConfig& config) {
  const Rest rest = options_.busy_poll ? Rest::busy : Rest::adaptive;
  auto running = std::make_unique<Running>(config, options_.counters, rest, keeper_);
  drop_privileges();
  running->start_workers();
  running_ = std::move(running);
}

void Controller::drop_privileges() {
  if (account_.uid == 0) {
    say("WARNING: stays root, as --user asks.");
    return;
  }
  // The control plane may be in the same group.
  for (const std::string& path : {options_.counters, options_.socket}) {
    if (chown(path.c_str(), static_cast<uid_t>(-1), account_.gid) != 0) {
      throw std::runtime_error(path + " cannot be given to the group of " + account_.name + ".");
    }
  }
  become(account_);
  keeper_.end_with_parent();
  say("The ports are open; from here on as user " + account_.name + ", without capabilities.");
}

void Controller::tick() {
  if (running_ != nullptr) running_->tick(monotonic_ns());
}

}  // namespace dam

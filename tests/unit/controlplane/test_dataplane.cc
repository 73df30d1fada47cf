// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/test_dataplane.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "controlplane/policy/address.h"
#include "dataplane/ipc/framing.h"
#include "dataplane/ipc/ja4_pattern.h"
#include "dataplane/ipc/start_digest.h"

namespace dam::control {

namespace {

bool receive_all(int fd, int stop, char* to, size_t bytes) {
  while (bytes > 0) {
    pollfd entries[2] = {{fd, POLLIN, 0}, {stop, 0, 0}};
    if (poll(entries, 2, -1) < 0 || entries[1].revents != 0) return false;
    const ssize_t got = recv(fd, to, bytes, 0);
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

TestDataplane::TestDataplane(std::string path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ready = pipe(stop_) == 0 &&
                     bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     listen(listener_, 4) == 0;
  if (!ready) throw std::runtime_error(path_ + ": " + std::strerror(errno));
  thread_ = std::thread([this] { serve(); });
}

TestDataplane::~TestDataplane() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(listener_);
  unlink(path_.c_str());
}

void TestDataplane::refuse(const std::string& why) {
  const std::lock_guard lock(mutex_);
  refusal_ = why;
}

void TestDataplane::set_counters_path(const std::string& path) {
  const std::lock_guard lock(mutex_);
  counters_path_ = path;
}

std::vector<v1::Start> TestDataplane::starts() const {
  const std::lock_guard lock(mutex_);
  return starts_;
}

void TestDataplane::lack(const std::string& device) {
  const std::lock_guard lock(mutex_);
  missing_device_ = device;
}

std::vector<v1::Snapshot> TestDataplane::snapshots() const {
  const std::lock_guard lock(mutex_);
  return snapshots_;
}

v1::ServerStates TestDataplane::server_states() const {
  const std::lock_guard lock(mutex_);
  return server_states_;
}

std::set<std::string> TestDataplane::bans() const {
  const std::lock_guard lock(mutex_);
  return bans_;
}

std::set<std::string> TestDataplane::fingerprint_bans() const {
  const std::lock_guard lock(mutex_);
  return fingerprint_bans_;
}

void TestDataplane::refuse_bans(bool full) {
  const std::lock_guard lock(mutex_);
  bans_full_ = full;
}

void TestDataplane::refuse_fingerprints(bool as_an_older_one) {
  const std::lock_guard lock(mutex_);
  knows_no_fingerprints_ = as_an_older_one;
}

void TestDataplane::hold(const v1::Flow& flow) {
  const std::lock_guard lock(mutex_);
  flows_.push_back(flow);
}

void TestDataplane::begin_zone_ban(const v1::ZoneBan& ban) {
  const std::lock_guard lock(mutex_);
  *zone_bans_.add_bans() = ban;
  zone_bans_.set_version(zone_bans_.version() + 1);
}

void TestDataplane::explain_as(const v1::Explanation& explanation) {
  const std::lock_guard lock(mutex_);
  explanation_ = explanation;
}

void TestDataplane::refuse_zone_bans(bool full) {
  const std::lock_guard lock(mutex_);
  zones_full_ = full;
}

std::vector<std::string> TestDataplane::zone_changes() const {
  const std::lock_guard lock(mutex_);
  return zone_changes_;
}

uint64_t TestDataplane::time_charged_ns(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = time_charged_ns_.find(source);
  return found == time_charged_ns_.end() ? 0 : found->second;
}

std::vector<std::string> TestDataplane::charges() const {
  const std::lock_guard lock(mutex_);
  return charges_;
}

int TestDataplane::lifted() const {
  const std::lock_guard lock(mutex_);
  return lifted_;
}

namespace {

std::string text_of(const v1::Subnet& subnet) {
  Network network;
  network.address.v6 = subnet.address().size() == 16;
  subnet.address().copy(reinterpret_cast<char*>(network.address.bytes.data()), 16);
  network.prefix_bits = static_cast<uint8_t>(subnet.prefix_bits());
  return network.text();
}

}  // namespace

void TestDataplane::answer_bans(const v1::Request& request, v1::Reply& reply) {
  if (request.has_zone_bans()) *reply.mutable_zone_bans() = zone_bans_;
  if (request.has_explain()) *reply.mutable_explanation() = explanation_;
  lifted_ += request.has_change_zone_ban() ? 1 : 0;
  if (request.has_change_zone_ban()) {
    zone_changes_.push_back(request.change_zone_ban().zone() + " " +
                            text_of(request.change_zone_ban().source()));
    if (zones_full_ && request.change_zone_ban().until_unix_ms() != 0) {
      reply.set_ok(false);
      reply.add_errors("The table of sources is full.");
    }
  }
  for (const v1::Charge& one : request.charge_sources().charges()) {
    time_charged_ns_[text_of(one.source())] += one.time_ns();
    if (one.connections() == 0 && one.requests() == 0) continue;
    charges_.push_back(text_of(one.source()) + " " + std::to_string(one.connections()) + " " +
                       std::to_string(one.requests()));
  }
  if (!request.has_bans()) return;
  const v1::Bans& bans = request.bans();
  if (bans_full_ || (bans.base() != 0 && bans.base() != bans_version_)) {
    reply.set_ok(false);
    reply.add_errors(bans_full_ ? "there is no memory" : "another version is here");
    return;
  }
  if (bans.base() == 0) bans_.clear();
  for (const v1::Subnet& one : bans.lift()) bans_.erase(text_of(one));
  for (const v1::Ban& one : bans.add()) bans_.insert(text_of(one.source()));
  bans_version_ = bans.version();
}

void TestDataplane::answer_fingerprints(const v1::Request& request, v1::Reply& reply) {
  if (request.has_flows()) {
    for (const v1::Flow& flow : flows_) {
      const v1::FlowQuery& query = request.flows();
      if (!query.zone().empty() && query.zone() != flow.zone()) continue;
      const uint64_t shows_one = flow.ja4().empty() ? 0 : 1;
      reply.mutable_flows()->set_matched_but_for_ja4(reply.flows().matched_but_for_ja4() +
                                                     shows_one);
      if (!query.ja4().empty() && !matches_ja4(query.ja4(), flow.ja4())) continue;
      reply.mutable_flows()->set_matched(reply.flows().matched() + 1);
      if (query.most() > 0) *reply.mutable_flows()->add_flows() = flow;
    }
  }
  if (!request.has_fingerprint_bans()) return;
  const v1::FingerprintBans& bans = request.fingerprint_bans();
  if (knows_no_fingerprints_ || (bans.base() != 0 && bans.base() != fingerprint_bans_version_)) {
    reply.set_ok(false);
    reply.add_errors(knows_no_fingerprints_ ? "A request that asks for nothing known."
                                            : "another version is here");
    return;
  }
  if (bans.base() == 0) fingerprint_bans_.clear();
  for (const std::string& one : bans.lift()) fingerprint_bans_.erase(one);
  for (const auto& one : bans.bans()) fingerprint_bans_.insert(one.ja4());
  fingerprint_bans_version_ = bans.version();
}

void TestDataplane::serve() {
  while (true) {
    pollfd entries[2] = {{listener_, POLLIN, 0}, {stop_[0], 0, 0}};
    if (poll(entries, 2, -1) < 0 || entries[1].revents != 0) return;
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    converse(fd);
    close(fd);
  }
}

void TestDataplane::converse(int fd) {
  char head[kLengthBytes];
  while (receive_all(fd, stop_[0], head, sizeof head)) {
    std::string bytes(get_length(head), '\0');
    v1::Request request;
    if (!receive_all(fd, stop_[0], bytes.data(), bytes.size())) return;
    if (!request.ParseFromString(bytes)) return;
    bytes = answer(request).SerializeAsString();
    const auto length = put_length(static_cast<uint32_t>(bytes.size()));
    const std::string message = std::string(length.begin(), length.end()) + bytes;
    if (send(fd, message.data(), message.size(), MSG_NOSIGNAL) < 0) return;
  }
}

// As the real one does it: what it cannot open it refuses, what it runs without it keeps nothing
// of.
void TestDataplane::answer_start(const v1::Start& start, v1::Reply& reply) {
  for (const v1::Interface& interface : start.interfaces()) {
    if (interface.device() != missing_device_) continue;
    reply.set_ok(false);
    reply.add_errors("There is no interface \"" + missing_device_ + "\".");
    return;
  }
  if (starts_.empty()) starts_.push_back(start);
  reply.set_restart_needed(start_digest(start) != start_digest(starts_.back()));
}

v1::Reply TestDataplane::answer(const v1::Request& request) {
  const std::lock_guard lock(mutex_);
  v1::Reply reply;
  reply.set_ok(true);
  if (request.has_start()) answer_start(request.start(), reply);
  if (request.has_server_states()) server_states_ = request.server_states();
  if (request.has_apply() && refusal_.empty()) snapshots_.push_back(request.apply());
  if ((request.has_apply() || request.has_check()) && !refusal_.empty()) {
    reply.set_ok(false);
    reply.add_errors(refusal_);
  }
  answer_bans(request, reply);
  answer_fingerprints(request, reply);
  if (!request.has_hello()) return reply;
  v1::HelloReply* hello = reply.mutable_hello();
  hello->set_protocol_version(kProtocolVersion);
  hello->set_started(!starts_.empty());
  hello->set_policy_version(snapshots_.empty() ? 0 : snapshots_.back().version());
  hello->set_driver("test");
  hello->set_counters_path(counters_path_);
  hello->set_bans_version(bans_version_);
  hello->set_fingerprint_bans_version(fingerprint_bans_version_);
  if (!starts_.empty()) hello->set_start_digest(start_digest(starts_.back()));
  return reply;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/accumulators.h"

#include <utility>

#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfMillisecond = 1'000'000;
constexpr int64_t kMsOfSecond = 1000;

std::string key_of(const Address& client, uint32_t port) {
  return client.wire() + std::to_string(port);
}

}  // namespace

void Accumulators::set_policy(std::shared_ptr<const Policy> policy) {
  const std::lock_guard lock(mutex_);
  if (policy == policy_) return;
  policy_ = std::move(policy);
  management_zones_.clear();
  spared_.reset();
  if (policy_ == nullptr || !policy_->lookalikes) {
    policy_ = nullptr;
    sources_.clear();
    flows_.clear();
    return;
  }
  spared_.emplace(policy_.get(), std::vector<Address>());
  for (const auto& zone : policy_->zones) {
    if (zone.value.management) management_zones_.insert(zone.name);
  }
  std::erase_if(sources_, [this](const auto& one) { return is_spared(one.first); });
}

bool Accumulators::is_spared(const Network& source) const {
  return !spared_->to(source, false).message.empty();
}

Activity* Accumulators::activity_of(const Address& client, int64_t now_ms) {
  if (policy_ == nullptr) return nullptr;
  const LookalikePolicy& rules = *policy_->lookalikes;
  const Network source = source_of(client, rules.source_prefix);
  const auto found = sources_.find(source);
  if (found != sources_.end()) return &found->second;
  if (is_spared(source)) return nullptr;
  if (sources_.size() >= rules.sources) {
    ++refused_;
    return nullptr;
  }
  const auto window_ms = static_cast<int64_t>(rules.window_ns) / kNsOfMillisecond;
  const int64_t begun_ms = now_ms - now_ms % window_ms;
  return &sources_.try_emplace(source, begun_ms, window_ms).first->second;
}

// What of its requests no window has counted yet.
FlowRhythm Accumulators::untold(const std::string& key, FlowRhythm rhythm) const {
  const auto told = flows_.find(key);
  if (told == flows_.end()) return rhythm;
  rhythm.requests -= std::min(rhythm.requests, told->second);
  return rhythm;
}

void Accumulators::connection(const v1::EndedConnection& ended, int64_t now_ms) {
  const auto client = parse_address(ended.client());
  if (!client || management_zones_.contains(ended.zone())) return;
  Activity* activity = activity_of(*client, now_ms);
  if (activity == nullptr) return;
  const std::string key = key_of(*client, ended.client_port());
  activity->connection(ended, untold(key, rhythm_of(ended)));
  flows_.erase(key);
}

void Accumulators::take(const v1::Log& log, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (policy_ == nullptr) return;
  for (const auto& ended : log.connections()) connection(ended, now_ms);
  for (const auto& refusals : log.refusals()) {
    if (!refusals.proven() || management_zones_.contains(refusals.zone())) continue;
    const auto client = parse_network(refusals.client());
    if (!client) continue;  // of many
    Activity* activity = activity_of(client->address, now_ms);
    if (activity != nullptr) activity->refusals(refusals.count());
  }
}

void Accumulators::take(const Signal& signal, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  Activity* activity = activity_of(signal.client, now_ms);
  if (activity != nullptr) activity->signal(signal, now_ms);
}

void Accumulators::begin_flows() {
  const std::lock_guard lock(mutex_);
  next_flows_.clear();
}

void Accumulators::flow(const v1::Flow& flow, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const auto client = read_subnet(flow.client());
  if (!client || management_zones_.contains(flow.zone())) return;
  Activity* activity = activity_of(client->address, now_ms);
  if (activity == nullptr) return;
  const FlowRhythm rhythm = rhythm_of(flow);
  const std::string key = key_of(client->address, flow.client_port());
  activity->flow(untold(key, rhythm), flow.ja4());
  if (rhythm.requests != 0 && next_flows_.size() < kMostFlows) next_flows_[key] = rhythm.requests;
}

BehaviourRows Accumulators::end_window(int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  BehaviourRows rows;
  for (auto one = sources_.begin(); one != sources_.end();) {
    Activity& activity = one->second;
    const bool over = activity.is_over();
    if (over && activity.acts() >= Activity::kLeastActs) {
      rows.push_back({one->first, activity.begun_ms() / kMsOfSecond, activity.requests(),
                      activity.connections(), squashed(activity.values(now_ms))});
    }
    one = over ? sources_.erase(one) : std::next(one);
  }
  flows_.swap(next_flows_);
  return rows;
}

size_t Accumulators::forget(const Network& source) {
  const std::lock_guard lock(mutex_);
  const Network wanted = source.masked();
  return std::erase_if(sources_, [&wanted](const auto& one) {
    return one.first.prefix_bits >= wanted.prefix_bits && wanted.contains(one.first.address);
  });
}

Accumulators::Counts Accumulators::counts() const {
  const std::lock_guard lock(mutex_);
  return {sources_.size(), refused_};
}

}  // namespace dam::control

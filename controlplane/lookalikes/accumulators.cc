// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/accumulators.h"

#include <utility>

#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

constexpr int64_t kNsOfMillisecond = 1'000'000;
constexpr int64_t kMsOfSecond = 1000;

// As one of signals.from is written, an address in its one way.
std::string teller_text(const std::string& server) {
  const auto address = parse_address(server);
  return address ? address->text() : server;
}

}  // namespace

Accumulators::FlowKey Accumulators::key_of(const Address& client, uint32_t port) {
  return {client.v6, client.bytes, port};
}

void Accumulators::note_tellers() {
  for (const auto& server : policy_->servers) {
    servers_.insert(server.name);
    for (const auto& one : server.value.addresses) servers_.insert(one.value.text());
  }
}

// Where there is management, whoever is no server by a known name or address may speak of it.
bool Accumulators::may_tell(const std::string& server) const {
  if (management_servers_.empty()) return true;
  const std::string teller = teller_text(server);
  return servers_.contains(teller) && !management_servers_.contains(teller);
}

// A server that serves others, too, is management's all the same: it is not told whom it speaks of.
void Accumulators::note_management() {
  for (const auto& zone : policy_->zones) {
    if (zone.value.management) management_zones_.insert(zone.name);
  }
  for (const Route& route : policy_->routes) {
    if (!management_zones_.contains(route.zone.value)) continue;
    for (const auto& name : route.servers) {
      management_servers_.insert(name.value);
      const auto* server = find_named(policy_->servers, name.value);
      if (server == nullptr) continue;
      for (const auto& one : server->value.addresses) {
        management_servers_.insert(one.value.text());
      }
    }
  }
}

void Accumulators::set_policy(std::shared_ptr<const Policy> policy) {
  const std::lock_guard lock(mutex_);
  if (policy == policy_) return;
  policy_ = std::move(policy);
  management_zones_.clear();
  management_servers_.clear();
  servers_.clear();
  spared_.reset();
  if (policy_ == nullptr || !policy_->lookalikes) {
    policy_ = nullptr;
    sources_.clear();
    flows_.clear();
    earlier_flows_.clear();
    return;
  }
  spared_.emplace(policy_.get(), std::vector<Address>());
  note_management();
  note_tellers();
  std::erase_if(sources_, [this](const auto& one) { return is_spared(one.first); });
  forget_flows([this](const Address& client) {
    return is_spared(source_of(client, policy_->lookalikes->source_prefix));
  });
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
FlowRhythm Accumulators::untold(const FlowKey& key, FlowRhythm rhythm) const {
  for (const RequestsTold* told : {&flows_, &earlier_flows_}) {
    const auto found = told->find(key);
    if (found == told->end()) continue;
    rhythm.requests -= std::min(rhythm.requests, found->second);
    break;
  }
  return rhythm;
}

void Accumulators::forget_flows(const std::function<bool(const Address&)>& of) {
  for (RequestsTold* told : {&flows_, &earlier_flows_}) {
    std::erase_if(*told, [&of](const auto& one) {
      return of(Address{one.first.client, one.first.v6});
    });
  }
}

void Accumulators::connection(const v1::EndedConnection& ended, int64_t now_ms) {
  const auto client = parse_address(ended.client());
  if (!client || management_zones_.contains(ended.zone())) return;
  Activity* activity = activity_of(*client, now_ms);
  if (activity == nullptr) return;
  const FlowKey key = key_of(*client, ended.client_port());
  activity->connection(ended, untold(key, rhythm_of(ended)));
  flows_.erase(key);
  earlier_flows_.erase(key);
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

void Accumulators::take(const std::string& server, const Signal& signal, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (policy_ == nullptr || !may_tell(server)) return;
  Activity* activity = activity_of(signal.client, now_ms);
  if (activity != nullptr) activity->signal(signal, now_ms);
}

void Accumulators::flows(std::span<const v1::Flow> all, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  RequestsTold told;
  for (const v1::Flow& one : all) flow(one, now_ms, told);
  earlier_flows_ = std::exchange(flows_, std::move(told));
}

void Accumulators::flow(const v1::Flow& flow, int64_t now_ms, RequestsTold& told) {
  const auto client = read_subnet(flow.client());
  if (!client || management_zones_.contains(flow.zone())) return;
  Activity* activity = activity_of(client->address, now_ms);
  if (activity == nullptr) return;
  const FlowRhythm rhythm = rhythm_of(flow);
  const FlowKey key = key_of(client->address, flow.client_port());
  activity->flow(untold(key, rhythm), flow.ja4());
  if (rhythm.requests != 0 && told.size() < kMostFlows) told[key] = rhythm.requests;
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
  return rows;
}

size_t Accumulators::forget(const Network& source) {
  const std::lock_guard lock(mutex_);
  const Network wanted = source.masked();
  forget_flows([&wanted](const Address& client) { return wanted.contains(client); });
  return std::erase_if(sources_, [&wanted](const auto& one) { return overlap(one.first, wanted); });
}

Accumulators::Counts Accumulators::counts() const {
  const std::lock_guard lock(mutex_);
  return {sources_.size(), refused_};
}

}  // namespace dam::control

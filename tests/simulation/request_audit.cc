// SPDX-License-Identifier: BSD-3-Clause
// The dimension of requests: what the engine has found is held against the plan of who sent it.
#include <algorithm>

#include "tests/simulation/bucket_audit.h"

namespace dam::simulation {

namespace {

constexpr uint64_t kMostRouted = 16;  // of octets that come at once; more are of no known zone

uint8_t zone_of(const Connection& connection) {
  if (connection.kind == Kind::http) return connection.requests.front().zone;
  return connection.kind == Kind::api ? kHeavyZone : kLightZone;
}

bool counts_requests(const ZonePlan& zone) {
  return zone.per_source[DAM_DIM_requests].per_second_milli != 0 ||
         zone.total[DAM_DIM_requests].per_second_milli != 0;
}

}  // namespace

uint64_t BucketAudit::requests_found(uint8_t zone) const {
  return world_.dam().counters().worker[0].zones[zone].requests - seen_[zone].requests;
}

void BucketAudit::note_come(const Dam::Step& step) {
  const Connection* sender = sender_of(step);
  if (sender == nullptr || sender->kind != Kind::http || sender->reached) return;
  const auto view = view_tcp(step.packet);
  const uint32_t begin = view->seq - (sender->at_client->iss + 1);
  Come& come = come_[sender->id];
  uint32_t& end = come.pieces[begin];
  end = std::max(end, begin + view->payload_bytes());
  for (const auto& [first, last] : come.pieces) {
    if (first <= come.whole) come.whole = std::max(come.whole, last);
  }
}

// What came before the first octets was not held.
void BucketAudit::note_read(const Dam::Step& step) {
  const Connection* sender = sender_of(step);
  const bool opened = has_opened(kLightZone) || has_opened(kHeavyZone);
  if (sender == nullptr || !opened) return;
  const auto view = view_tcp(step.packet);
  come_[sender->id].read = view->seq - (sender->at_client->iss + 1) + view->payload_bytes();
}

// Heads that can have been read at once of what was held, when it was opened or when its server has
// answered. (No segment has room for more than a dozen.)
uint64_t BucketAudit::most_read(const Dam::Step& step) const {
  const Connection* sender = sender_of(step);
  uint64_t most = 0;
  for (const Connection& connection : world_.book().all()) {
    const auto come = come_.find(connection.id);
    const bool its =
        step.port == kFrontPort ? &connection == sender && was_held() : !connection.reached;
    if (!its || come == come_.end()) continue;
    const Come& held = come->second;
    const auto heads = std::count_if(connection.requests.begin(), connection.requests.end(),
                                     [&](const PlannedRequest& request) {
                                       return request.end > held.read && request.end <= held.whole;
                                     });
    most = std::max(most, static_cast<uint64_t>(heads));
  }
  return most;
}

// What was kept of heads that were cut between two segments is lost with the engine: the requests
// are counted where it is strictest, and it is not known whether the total has paid for them.
void BucketAudit::note_restart() {
  for (const Connection& connection : world_.book().all()) {
    if (connection.kind == Kind::http && connection.reached) cut_.insert(connection.id);
  }
}

bool BucketAudit::has_lost_head(const Dam::Step& step) {
  if (requests_found(kLightZone) + requests_found(kHeavyZone) == 0) return false;
  const Connection* sender = sender_of(step);
  return sender != nullptr && cut_.erase(sender->id) != 0;
}

// A zone without a limit counts none of those that were routed to it before the others.
bool BucketAudit::were_all_routed(const Dam::Step& step) const {
  const uint64_t found = requests_found(kLightZone) + requests_found(kHeavyZone);
  if (found == 0 || found > kMostRouted) return found == 0;
  const bool counted =
      counts_requests(site_.zones[kLightZone]) && counts_requests(site_.zones[kHeavyZone]);
  return counted || most_read(step) <= kMostRouted;
}

// Of a client's segment.
const Connection* BucketAudit::sender_of(const Dam::Step& step) const {
  const auto view = view_tcp(step.packet);
  if (!view || step.port != kFrontPort) return nullptr;
  const auto& all = world_.book().all();
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const Connection& connection) {
    const dam_address its = client_address(connection.client, connection.family);
    return connection.at_client && connection.client_port == view->src_port &&
           dam_address_equal(&its, &view->src) && view->seq - connection.at_client->iss < 1u << 28;
  });
  return found == all.rend() ? nullptr : &*found;
}

// What the dam holds for a server is read at once, and pays for no packet.
bool BucketAudit::was_held() const {
  return world_.dam().engine().worker(0).half_open_used() != half_open_ || has_opened(kLightZone) ||
         has_opened(kHeavyZone);
}

// The packet has paid, and then its requests were too many, there or in another zone.
bool BucketAudit::was_refused_behind(uint8_t zone, const Dam::Step& step) const {
  const Connection* sender = sender_of(step);
  if (sender == nullptr || zone_of(*sender) != zone || was_held()) return false;
  if (any_refused(zone, {DAM_DIM_requests})) return true;
  const uint8_t other = zone == kLightZone ? kHeavyZone : kLightZone;
  return any_refused(other, {DAM_DIM_requests}) || was_refused(other, DAM_DROP_zone_banned) ||
         was_refused(other, DAM_DROP_source_table_full);
}

// Heads that end in these octets: no more can have been asked for.
std::optional<double> BucketAudit::most_requests(const Dam::Step& step) const {
  const Connection* sender = sender_of(step);
  const auto view = view_tcp(step.packet);
  if (sender == nullptr || sender->kind != Kind::http) return std::nullopt;
  const uint32_t begin = was_held() ? 0 : view->seq - (sender->at_client->iss + 1);
  const uint32_t end = view->seq - (sender->at_client->iss + 1) + view->payload_bytes();
  return std::count_if(
      sender->requests.begin(), sender->requests.end(),
      [&](const PlannedRequest& request) { return request.end > begin && request.end <= end; });
}

// A refused segment comes again, so that no more is asked than the fullest bucket has.
double BucketAudit::fitting(uint8_t zone, double requests) const {
  const ZonePlan& plan = site_.zones[zone];
  for (const auto& rate : {plan.per_source[DAM_DIM_requests], plan.total[DAM_DIM_requests]}) {
    if (rate.per_second_milli != 0) requests = std::min(requests, static_cast<double>(rate.burst));
  }
  return requests;
}

void BucketAudit::check_refusal(uint8_t zone, const Source& whose, const Dam::Step& step) {
  ReferenceBucket* reference = bucket(zone, DAM_DIM_requests, whose);
  if (reference == nullptr) return environment_.broken("requests refused where there is no limit");
  const std::optional<double> most = most_requests(step);
  if (!most || !exact_ || !knows_requests_) return;
  const double tokens = reference->tokens(step.now_ns);
  if (tokens > *most + reference->slack()) {
    environment_.broken("requests refused within the limit of zone " + std::to_string(zone) + ": " +
                        std::to_string(*most) + " with " + std::to_string(tokens) + " left");
  }
}

// By the total only when the source has paid already, for nobody here knows how many.
void BucketAudit::settle_refusal(uint8_t zone, const Source& source, const Dam::Step& step) {
  if (requests_found(zone) != 0) environment_.broken("requests of a refused packet were counted");
  const bool by_source = was_refused(zone, DAM_DROP_source_requests);
  check_refusal(zone, by_source ? source : kAll, step);
  knows_requests_ &= by_source;
}

void BucketAudit::settle_requests(uint8_t zone, const Source& source, const Dam::Step& step) {
  const uint64_t found = requests_found(zone);
  if (any_refused(zone, {DAM_DIM_requests})) return settle_refusal(zone, source, step);
  if (found == 0) return;
  environment_.trace.say(environment_.now_ns(), "dam counted " + std::to_string(found) +
                                                    " requests of zone " + std::to_string(zone));
  const Connection* sender = sender_of(step);
  const bool plain = sender != nullptr && sender->kind == Kind::http;
  if (plain) http_requests_[zone] += found;
  const auto count = static_cast<double>(found);
  const double all = plain && was_held() ? count : fitting(zone, count);
  knows_requests_ &= !lost_head_;
  for (const Source& whose : {source, kAll}) {
    ReferenceBucket* reference = bucket(zone, DAM_DIM_requests, whose);
    if (reference == nullptr || (whose == kAll && !routed_all_)) continue;
    const double units = all - (whose == kAll && lost_head_ ? 1 : 0);
    const double tokens = reference->tokens(step.now_ns);
    if (tokens < units - reference->slack()) {
      environment_.broken("requests beyond the limit of zone " + std::to_string(zone) + ": " +
                          std::to_string(units) + " with " + std::to_string(tokens) + " left");
    }
    reference->take(step.now_ns, units);
  }
}

// Held octets that are read when their server has answered: whose they are is not known here.
void BucketAudit::note_unknown(const Dam::Step& step) {
  for (const uint8_t zone : {kLightZone, kHeavyZone}) {
    const uint64_t found = requests_found(zone);
    if (found == 0 && !any_refused(zone, {DAM_DIM_requests})) continue;
    knows_requests_ = false;
    if (step.port != kFrontPort) http_requests_[zone] += found;
  }
}

}  // namespace dam::simulation

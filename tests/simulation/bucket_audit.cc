// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/bucket_audit.h"

#include <algorithm>

namespace dam::simulation {

namespace {

constexpr dam_drop_reason kOverSource[] = {DAM_DROP_source_packets, DAM_DROP_source_bytes_up,
                                           DAM_DROP_source_bytes_down, DAM_DROP_source_connections,
                                           DAM_DROP_source_requests};
constexpr dam_drop_reason kOverTotal[] = {DAM_DROP_zone_packets, DAM_DROP_zone_bytes_up,
                                          DAM_DROP_zone_bytes_down, DAM_DROP_zone_connections,
                                          DAM_DROP_zone_requests};

}  // namespace

BucketAudit::BucketAudit(Environment& environment, World& world, const Site& site, bool exact)
    : environment_(environment), world_(world), site_(site), exact_(exact) {
  world.dam().burst_most = 1;
  world.dam().before_step = [this](const Dam::Step& step) { before(step); };
  world.dam().after_step = [this](const Dam::Step& step) { after(step); };
}

void BucketAudit::before(const Dam::Step&) {
  const dam_zone_counters* zones = world_.dam().counters().worker[0].zones;
  std::copy(zones, zones + kZones, seen_.begin());
  half_open_ = world_.dam().engine().worker(0).half_open_used();
}

void BucketAudit::after(const Dam::Step& step) {
  note_come(step);
  routed_all_ &= were_all_routed(step);
  note_read(step);
  lost_head_ = has_lost_head(step);
  const std::optional<Source> source = source_of(step);
  if (!source) return note_unknown(step);
  for (const uint8_t zone : {kLightZone, kHeavyZone}) {
    if (site_.zones[zone].mode == Mode::shadow) continue;
    settle_connection(zone, *source, step);
    settle(zone, step.port == kFrontPort ? DAM_C2S : DAM_S2C, *source, step);
    settle_requests(zone, *source, step);
  }
}

// Whom the engine has to charge: the client, or the one whose server it is.
std::optional<BucketAudit::Source> BucketAudit::source_of(const Dam::Step& step) {
  const auto view = view_tcp(step.packet);
  if (!view) return std::nullopt;
  for (uint16_t i = 0; step.port == kFrontPort && i < world_.clients(); ++i) {
    const dam_address its = client_address(i, view->family);
    if (dam_address_equal(&its, &view->src)) return Source{i, view->family};
  }
  if (step.port == kFrontPort) return std::nullopt;
  return world_.owner_of(*view);
}

bool BucketAudit::was_refused(uint8_t zone, dam_drop_reason reason) const {
  const auto& now = world_.dam().counters().worker[0].zones[zone];
  return now.drops[reason] != seen_[zone].drops[reason];
}

bool BucketAudit::has_opened(uint8_t zone) const {
  const auto& now = world_.dam().counters().worker[0].zones[zone];
  return now.connections_opened != seen_[zone].connections_opened;
}

bool BucketAudit::any_refused(uint8_t zone, std::initializer_list<dam_dimension> dimensions) const {
  return std::any_of(dimensions.begin(), dimensions.end(), [&](dam_dimension dimension) {
    return was_refused(zone, kOverSource[dimension]) || was_refused(zone, kOverTotal[dimension]);
  });
}

ReferenceBucket* BucketAudit::bucket(uint8_t zone, dam_dimension dimension, const Source& source) {
  const ZonePlan& plan = site_.zones[zone];
  const auto& rate = source == kAll ? plan.total[dimension] : plan.per_source[dimension];
  if (rate.per_second_milli == 0) return nullptr;
  return &buckets_
              .try_emplace({zone, dimension, source},
                           static_cast<double>(rate.per_second_milli) / 1000,
                           static_cast<double>(rate.burst))
              .first->second;
}

// In the order in which the engine asks. False: refused here, and what comes behind is not asked.
bool BucketAudit::settle(uint8_t zone, dam_dimension dimension, const Source& source, double units,
                         const Dam::Step& step) {
  for (const Source& whose : {source, kAll}) {
    const bool refused = was_refused(zone, (whose == kAll ? kOverTotal : kOverSource)[dimension]);
    ReferenceBucket* reference = bucket(zone, dimension, whose);
    if (reference == nullptr) {
      if (refused) environment_.broken("refused where there is no limit");
      continue;
    }
    const double tokens = reference->tokens(step.now_ns);
    const std::string what = " of zone " + std::to_string(zone) + ", dimension " +
                             std::to_string(dimension) + (whose == kAll ? ", total" : "") + ": " +
                             std::to_string(units) + " with " + std::to_string(tokens) + " left";
    if (!refused && tokens < units - reference->slack())
      environment_.broken("beyond the limit" + what);
    if (refused && exact_ && tokens > units + reference->slack()) {
      environment_.broken("refused within the limit" + what);
    }
    if (refused) return false;
    reference->take(step.now_ns, units);
  }
  return true;
}

void BucketAudit::settle(uint8_t zone, dam_direction way, const Source& source,
                         const Dam::Step& step) {
  const auto& now = world_.dam().counters().worker[0].zones[zone];
  const bool passed = now.packets[way] != seen_[zone].packets[way];
  if (way == DAM_S2C) {
    if (!passed && !any_refused(zone, {DAM_DIM_bytes_down})) return;
    settle(zone, DAM_DIM_bytes_down, source, step.frame_bytes, step);
    return;
  }
  const bool paid = passed || was_refused_behind(zone, step);
  if (!paid && !any_refused(zone, {DAM_DIM_packets, DAM_DIM_bytes_up})) return;
  if (!settle(zone, DAM_DIM_packets, source, 1, step)) return;
  settle(zone, DAM_DIM_bytes_up, source, step.frame_bytes, step);
}

void BucketAudit::settle_connection(uint8_t zone, const Source& source, const Dam::Step& step) {
  if (!has_opened(zone) && !any_refused(zone, {DAM_DIM_connections})) return;
  settle(zone, DAM_DIM_connections, source, 1, step);
}

}  // namespace dam::simulation

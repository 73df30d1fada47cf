// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/ban_metrics.h"

namespace dam::control {

namespace {

prometheus::MetricFamily by_origin(FamilyBuilder family, const PerBanOrigin& counts) {
  for (size_t i = 0; i < kBanOrigins; ++i) {
    family.add(static_cast<double>(counts[i]),
               {{"origin", ban_origin_name(static_cast<BanOrigin>(i))}});
  }
  return family.take();
}

std::string origins_text() {
  std::string text;
  for (size_t i = 0; i < kBanOrigins; ++i) {
    const auto one = static_cast<BanOrigin>(i);
    text += (i == 0 ? " " : "; ") + std::string(ban_origin_name(one)) + " (" +
            ban_origin_text(one) + ")";
  }
  return text;
}

prometheus::MetricFamily single(FamilyBuilder family, uint64_t value) {
  family.add(static_cast<double>(value));
  return family.take();
}

}  // namespace

void add_bans(const BanCounts& bans, std::vector<prometheus::MetricFamily>& out) {
  out.push_back(by_origin(
      gauge("dam_held_bans", "Bans that hold now, by origin:" + origins_text() + "."), bans.held));
  out.push_back(by_origin(counter("dam_begun_bans_total", "Bans that have begun."), bans.begun));
  out.push_back(by_origin(counter("dam_lifted_bans_total",
                                  "Bans that ended before their time: by people, or since a "
                                  "dataplane that was restarted has forgotten its zones' own."),
                          bans.lifted));
  out.push_back(
      by_origin(counter("dam_expired_bans_total", "Bans whose time was over."), bans.expired));
  out.push_back(
      single(gauge("dam_held_bans_limit", "How many bans may hold at one time."), bans.at_most));
  out.push_back(single(gauge("dam_bans_wanted_version",
                             "Version of the list of bans, counted from this program's start."),
                       bans.version));
  out.push_back(single(gauge("dam_bans_in_force_version",
                             "Version of it that the dataplane has; 0: none of this program's."),
                       bans.in_force));
}

}  // namespace dam::control

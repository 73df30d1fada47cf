// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/fingerprint_hits.h"

#include <unordered_set>

#include "controlplane/api/flow_scan.h"

namespace dam::control {

namespace {

constexpr uint32_t kFlowsAPart = 4096;

v1::FlowQuery flows_of_kind(const std::string& zone, const std::string& ja4) {
  v1::FlowQuery query;
  query.set_zone(zone);
  query.set_ja4(ja4);
  return query;
}

using LookClock = std::chrono::steady_clock;

bool look_at(FlowScan& scan, FingerprintHits& hits, std::unordered_set<std::string>& clients,
             LookClock::time_point until) {
  do {
    if (!scan.step(kFlowsAPart)) return false;
    hits.connections += scan.part.matched();
    for (const v1::Flow& flow : scan.part.flows()) clients.insert(flow.client().address());
  } while (scan.more() && hits.connections < FingerprintHits::kMostLooked &&
           LookClock::now() < until);
  hits.more |= scan.more();
  return true;
}

bool count_all(FlowScan& scan, FingerprintHits& hits, LookClock::time_point until) {
  do {
    if (!scan.step(0)) return false;
    hits.of += scan.part.matched();
  } while (scan.more() && LookClock::now() < until);
  hits.more |= scan.more();
  return true;
}

}  // namespace

std::optional<FingerprintHits> fingerprint_hits(const Ask& ask,
                                                const std::vector<std::string>& zones,
                                                const std::string& ja4,
                                                std::chrono::milliseconds most) {
  const auto until = LookClock::now() + most;
  FingerprintHits hits;
  std::unordered_set<std::string> clients;
  for (const std::string& zone : zones) {
    FlowScan of_it(ask, flows_of_kind(zone, ja4)), of_any(ask, flows_of_kind(zone, "*_*_*"));
    if (!look_at(of_it, hits, clients, until)) return std::nullopt;
    if (!count_all(of_any, hits, until)) return std::nullopt;
  }
  hits.sources = clients.size();
  return hits;
}

}  // namespace dam::control

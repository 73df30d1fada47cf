// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/fingerprint_hits.h"

#include <unordered_set>

#include "controlplane/api/flow_scan.h"

namespace dam::control {

namespace {

constexpr uint32_t kFlowsAPart = 4096;

using LookClock = std::chrono::steady_clock;

// Those beyond so many are counted, but not whose they are.
bool look_through(FlowScan& scan, FingerprintHits& hits, std::unordered_set<std::string>& clients,
                  LookClock::time_point until) {
  do {
    if (!scan.step(hits.connections < FingerprintHits::kMostLooked ? kFlowsAPart : 0)) return false;
    hits.connections += scan.part.matched();
    hits.of += scan.part.matched_but_for_ja4();
    for (const v1::Flow& flow : scan.part.flows()) clients.insert(flow.client().address());
  } while (scan.more() && LookClock::now() < until);
  hits.more |= scan.more() || hits.connections >= FingerprintHits::kMostLooked;
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
  v1::FlowQuery query;
  query.set_ja4(ja4);
  for (const std::string& zone : zones) {
    query.set_zone(zone);
    FlowScan scan(ask, query);
    if (!look_through(scan, hits, clients, until)) return std::nullopt;
  }
  hits.sources = clients.size();
  return hits;
}

}  // namespace dam::control

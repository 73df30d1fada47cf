// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/server_metrics.h"

#include <array>

namespace dam::control {

namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Sights = std::map<std::string, ServerSight>;

double seconds_of(int64_t value) { return static_cast<double>(value); }

void add_states(const Sights& servers, Families& out) {
  auto states = gauge("dam_server_state",
                      "1 at what people have said of the server: enabled, drained (no new "
                      "connections) or disabled (nor checks).");
  for (const auto& [name, sight] : servers) {
    for (const Intake intake : {Intake::enabled, Intake::drained, Intake::disabled}) {
      states.add(sight.word.intake == intake ? 1 : 0,
                 {{"server", name}, {"state", intake_text(intake)}});
    }
  }
  out.push_back(states.take());
}

// What is not known is not there.
void add_checks(const Sights& servers, Families& out) {
  auto healthy = gauge("dam_server_healthy",
                       "1: the checks say that the server is well, 0: that it is not. Absent "
                       "before the first verdict, and where this host cannot check it.");
  auto seconds = gauge("dam_server_check_seconds", "How long the last check took.");
  auto at = gauge("dam_server_check_timestamp_seconds", "When the last check was over.");
  auto ends = gauge("dam_server_certificate_expiry_timestamp_seconds",
                    "When the first of the server's certificates ends.");
  for (const auto& [name, sight] : servers) {
    if (!sight.health) continue;
    const ServerHealth& health = *sight.health;
    if (health.verdict != Verdict::unknown) {
      healthy.add(health.verdict == Verdict::up ? 1 : 0, {{"server", name}});
    }
    if (health.last_unix != 0) {
      seconds.add(health.last_seconds, {{"server", name}});
      at.add(seconds_of(health.last_unix), {{"server", name}});
    }
    if (health.certificate_ends_unix != 0) {
      ends.add(seconds_of(health.certificate_ends_unix), {{"server", name}});
    }
  }
  for (auto* family : {&healthy, &seconds, &at, &ends}) out.push_back(family->take());
}

void add_findings(const Sights& servers, Families& out) {
  std::string help = "What checks have found, by kind:";
  for (size_t kind = 0; kind < kFindingKinds; ++kind) {
    const auto one = static_cast<FindingKind>(kind);
    help +=
        std::string(kind == 0 ? " " : "; ") + finding_name(one) + " (" + finding_text(one) + ")";
  }
  auto findings = gauge("dam_server_findings", help + ".");
  for (const auto& [name, sight] : servers) {
    if (!sight.health) continue;
    std::array<int, kFindingKinds> counts{};
    for (const Finding& finding : sight.health->findings) {
      ++counts[static_cast<size_t>(finding.kind)];
    }
    for (size_t kind = 0; kind < kFindingKinds; ++kind) {
      findings.add(counts[kind],
                   {{"server", name}, {"kind", finding_name(static_cast<FindingKind>(kind))}});
    }
  }
  out.push_back(findings.take());
}

}  // namespace

void add_server_sights(const Sights& servers, Families& out) {
  add_states(servers, out);
  add_checks(servers, out);
  add_findings(servers, out);
}

}  // namespace dam::control

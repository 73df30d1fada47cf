// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/coalescing.h"

#include <algorithm>

namespace dam::control {

namespace {

// By address and port: a server that has got another name shows the same certificates.
bool is_of(const CertificateSeen& seen, const CheckPlan& plan) {
  return seen.port == plan.port && plan.shows(seen.name) &&
         std::find(plan.addresses.begin(), plan.addresses.end(), seen.address) !=
             plan.addresses.end();
}

Problem problem_of(const CheckPlan& plan, const CertificateSeen& seen,
                   const std::vector<Overlap>& overlaps, int64_t now_unix) {
  const Overlap& first = overlaps.front();
  const std::string own = seen.name.empty() ? "" : " for " + in_quotes(seen.name);
  const std::string ago = std::to_string(std::max<int64_t>(now_unix - seen.at_unix, 0));
  Problem problem;
  problem.mark = plan.check.mark;
  problem.message = "the certificate that server " + in_quotes(plan.server) + " shows" + own +
                    " (" + ago + " s ago) also covers " + covered_names(overlaps) +
                    ", by its name " + in_quotes(first.by) + ", which route " +
                    in_quotes(first.other->route) + " takes to server " +
                    in_quotes(first.other->server) +
                    ": over HTTP/2, browsers would send its requests to " + in_quotes(plan.server);
  problem.hint =
      "give each of the two servers a certificate of its own names, or switch HTTP/2 off at " +
      in_quotes(plan.server) +
      "; `coalescing: allow` in its check where it answers such requests with 421; all the same, "
      "once: damctl apply --force (?force=true)";
  return problem;
}

}  // namespace

std::vector<Problem> coalescing_problems(const std::vector<CheckPlan>& plans,
                                         const std::vector<CertificateSeen>& seen,
                                         int64_t now_unix) {
  std::vector<Problem> problems;
  for (const CheckPlan& plan : plans) {
    if (!plan.over_tls() || plan.check.coalescing == Coalescing::allow) continue;
    std::vector<std::string> said;  // of a pool, one address is enough
    for (const CertificateSeen& one : seen) {
      if (!one.speaks_h2 || !is_of(one, plan)) continue;
      const auto overlap = overlaps(one.certificate, plan);
      if (overlap.empty() || std::find(said.begin(), said.end(), one.name) != said.end()) continue;
      said.push_back(one.name);
      problems.push_back(problem_of(plan, one, overlap, now_unix));
    }
  }
  return problems;
}

}  // namespace dam::control

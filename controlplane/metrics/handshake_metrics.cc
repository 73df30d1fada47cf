// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/metrics/handshake_metrics.h"

#include <cmath>
#include <limits>

#include "controlplane/metrics/family_builder.h"

namespace dam::control {

namespace {

struct Histogram {
  const char* metric;
  const char* text;
  uint32_t first;  // binary logarithm of the first bound
  uint32_t bounds;
  double unit;
};
constexpr Histogram kHistograms[] = {
#define X(name, first, bounds, unit, metric, text) {metric, text, first, bounds, unit},
    DAM_HISTOGRAMS(X)
#undef X
};
#define X(name, first, bounds, unit, metric, text) static_assert((bounds) <= DAM_HISTOGRAM_BOUNDS);
DAM_HISTOGRAMS(X)
#undef X
constexpr const char* kVersions[] = {
#define X(name, text) text,
    DAM_TLS_VERSIONS(X)
#undef X
};
constexpr const char* kAlpns[] = {
#define X(name, text) text,
    DAM_ALPNS(X)
#undef X
};

dam_histogram total_of(const dam_counters& counters, int kind) {
  dam_histogram sum{};
  for (uint32_t w = 0; w < counters.workers; ++w) {
    const dam_histogram& one = counters.worker[w].histograms[kind];
    sum.sum += one.sum;
    for (int i = 0; i <= DAM_HISTOGRAM_BOUNDS; ++i) sum.counts[i] += one.counts[i];
  }
  return sum;
}

// Prometheus' buckets are cumulative.
prometheus::ClientMetric::Histogram buckets_of(const Histogram& shape, const dam_histogram& from) {
  prometheus::ClientMetric::Histogram to;
  for (uint32_t i = 0; i <= shape.bounds; ++i) {
    to.sample_count += from.counts[i];
    const double bound = i < shape.bounds ? std::ldexp(1.0, static_cast<int>(shape.first + i))
                                          : std::numeric_limits<double>::infinity();
    to.bucket.push_back({to.sample_count, bound / shape.unit});
  }
  to.sample_sum = static_cast<double>(from.sum) / shape.unit;
  return to;
}

template <class Count, size_t kNames>
void add_named(FamilyBuilder family, const char* label, const char* const (&names)[kNames],
               const Count& count, std::vector<prometheus::MetricFamily>& out) {
  for (size_t i = 0; i < kNames; ++i) {
    family.add(static_cast<double>(count(i)), {{label, names[i]}});
  }
  out.push_back(family.take());
}

}  // namespace

void add_handshakes(const dam_counters& counters, std::vector<prometheus::MetricFamily>& out) {
  for (int kind = 0; kind < DAM_HISTOGRAM_COUNT; ++kind) {
    const Histogram& shape = kHistograms[kind];
    FamilyBuilder family(shape.metric, shape.text, prometheus::MetricType::Histogram);
    if (kind == DAM_HISTOGRAM_burst_size) {
      for (uint32_t w = 0; w < counters.workers; ++w) {
        family.add(buckets_of(shape, counters.worker[w].histograms[kind]),
                   {{"worker", std::to_string(w)}});
      }
    } else {
      family.add(buckets_of(shape, total_of(counters, kind)));
    }
    out.push_back(family.take());
  }
  const auto sum = [&counters](const auto& of) {
    uint64_t total = 0;
    for (uint32_t w = 0; w < counters.workers; ++w) total += of(counters.worker[w]);
    return total;
  };
  add_named(
      counter("dam_client_hello_versions_total",
              "TLS ClientHellos, by the highest version that they offer."),
      "version", kVersions,
      [&](size_t i) {
        return sum([i](const dam_worker_counters& w) { return w.hello_versions[i]; });
      },
      out);
  add_named(
      counter("dam_client_hello_alpns_total",
              "TLS ClientHellos, by the protocol that they would speak first (ALPN)."),
      "alpn", kAlpns,
      [&](size_t i) { return sum([i](const dam_worker_counters& w) { return w.hello_alpns[i]; }); },
      out);
}

}  // namespace dam::control

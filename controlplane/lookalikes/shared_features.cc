// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/shared_features.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dam::control {

std::vector<Feature> shared_features(const Behaviour& one, const Behaviour& other,
                                     const SimilarAnswer& population, size_t most) {
  constexpr float kLeastDeviation = 0.001F;  // all sources are the same in it: it tells nothing
  std::vector<std::pair<float, Feature>> told;
  for (size_t i = 0; i < kFeatureCount; ++i) {
    const float deviation = population.deviation[i];
    if (deviation < kLeastDeviation) continue;
    // In the population's standard deviations: how far both are from its mean, less how far they
    // are from each other (which is more where they are on different sides).
    const float a = (one[i] - population.mean[i]) / deviation;
    const float b = (other[i] - population.mean[i]) / deviation;
    const float tells = std::min(std::fabs(a), std::fabs(b)) - std::fabs(a - b);
    if (tells > 0) told.emplace_back(tells, static_cast<Feature>(i));
  }
  std::stable_sort(told.begin(), told.end(),
                   [](const auto& x, const auto& y) { return x.first > y.first; });
  std::vector<Feature> features;
  for (const auto& [tells, feature] : told) {
    if (features.size() < most) features.push_back(feature);
  }
  return features;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/features.h"

#include <algorithm>
#include <cstdio>

namespace dam::control {

namespace {

std::string short_value(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : "%.3g", value);
  return text;
}

std::string scale_text(const FeatureRow& row) {
  if (row.scale == Scale::share) return "as it is";
  return std::string(row.scale == Scale::linear ? "linear " : "log ") + short_value(row.least) +
         " to " + short_value(row.most);
}

}  // namespace

float squashed(const FeatureRow& row, double value) {
  if (std::isnan(value)) return kAbsentFeature;
  const double held = std::clamp(value, row.least, row.most);
  if (row.scale == Scale::logarithm) {
    return static_cast<float>(std::log(held / row.least) / std::log(row.most / row.least));
  }
  return static_cast<float>((held - row.least) / (row.most - row.least));
}

Behaviour squashed(const FeatureValues& values) {
  Behaviour behaviour;
  for (size_t i = 0; i < kFeatureCount; ++i) behaviour[i] = squashed(kFeatures[i], values[i]);
  return behaviour;
}

std::string feature_text(const FeatureRow& row, float squashed) {
  if (squashed == kAbsentFeature) return "no sign";
  const double part = static_cast<double>(squashed);
  const double value = row.scale == Scale::logarithm
                           ? row.least * std::pow(row.most / row.least, part)
                           : row.least + part * (row.most - row.least);
  const std::string unit = row.unit;
  return short_value(value) + (unit.empty() ? "" : " " + unit);
}

double distance_between(const Behaviour& a, const Behaviour& b) {
  double sum = 0;
  for (size_t i = 0; i < kFeatureCount; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(kFeatureCount));
}

double unit_hash(std::string_view text, uint64_t seed) {
  uint64_t hash = kFnvBasis ^ (seed * 0x9e3779b97f4a7c15);
  for (const char c : text) hash = fnv1a(hash, static_cast<uint8_t>(c));
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;  // the last steps of SplitMix64
  hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
  return static_cast<double>((hash ^ hash >> 31) >> 11) / static_cast<double>(1ULL << 53);
}

std::string features_reference() {
  std::string text = "Version " + std::to_string(kBehaviourVersion) + ", " +
                     std::to_string(kFeatureCount) +
                     " features. What a source has given no sign of is 0.5.\n\n"
                     "| feature | unit | into [0, 1] | what it is |\n| --- | --- | --- | --- |\n";
  for (const FeatureRow& row : kFeatures) {
    text += std::string("| `") + row.name + "` | " + row.unit + " | " + scale_text(row) + " | " +
            row.text + " |\n";
  }
  return text;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// What a source's behaviour is made of: one list, from which the vector, its version, what people
// read of it (FEATURES.md) and what two sources share derive. Each number lies in [0, 1].
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace dam::control {

// share: as it is; linear: (v - least) / (most - least); logarithm: the same of the logarithms.
// Below and above the bounds counts as on them.
enum class Scale : uint8_t { share, linear, logarithm };

// name, unit, scale, least, most, text
#define DAM_BEHAVIOUR_FEATURES(X)                                                                 \
  X(requests, "a minute", logarithm, 0.1, 6000, "requests, estimated from the records' rhythm")   \
  X(request_gap, "ms", logarithm, 10, 60'000, "from one request of a connection to the next")     \
  X(request_jitter, "of the gap", linear, 0, 1, "mean deviation of that gap; 0: a clock")         \
  X(request_bytes, "bytes", logarithm, 64, 16'384, "a connection's first request, its head")      \
  X(requests_per_connection, "", logarithm, 1, 1000, "requests of a connection")                  \
  X(connections, "a minute", logarithm, 0.1, 6000, "connections that ended")                      \
  X(connection_gap, "ms", logarithm, 10, 60'000, "from one connection's beginning to the next")   \
  X(connection_jitter, "of the gap", linear, 0, 2, "standard deviation of that gap; 0: a clock")  \
  X(connection_bursts, "", share, 0, 1, "connections begun within 300 ms of another")             \
  X(open, "connections", logarithm, 1, 256, "open at the window's end")                           \
  X(duration, "ms", logarithm, 10, 600'000, "of connections, geometric mean")                     \
  X(duration_spread, "e-folds", linear, 0, 3, "standard deviation of its logarithm")              \
  X(bytes_up, "bytes", logarithm, 100, 10'000'000, "of a connection, geometric mean")             \
  X(bytes_up_spread, "e-folds", linear, 0, 3, "standard deviation of its logarithm")              \
  X(bytes_down, "bytes", logarithm, 100, 1'000'000'000, "of a connection, geometric mean")        \
  X(bytes_down_spread, "e-folds", linear, 0, 3, "standard deviation of its logarithm")            \
  X(broken, "", share, 0, 1, "connections that did not end in order")                             \
  X(refused, "", share, 0, 1, "refusals of the dam among all that it did")                        \
  X(active, "", share, 0, 1, "twelfths of the window in which it did something")                  \
  X(zones, "zones", logarithm, 1, 8, "that its connections were of")                              \
  X(hello_version, "", linear, 10, 13, "TLS version that its hello offers: 13 is 1.3")            \
  X(hello_ciphers, "ciphers", linear, 0, 60, "that its hello offers")                             \
  X(hello_extensions, "extensions", linear, 0, 30, "of its hello")                                \
  X(hello_alpn, "", share, 0, 1, "0: none, a half: HTTP/1.1 or another, 1: HTTP/2")               \
  X(hello_kinds, "fingerprints", logarithm, 1, 16, "different JA4 fingerprints")                  \
  X(hello_1, "hash", share, 0, 1, "of its fingerprint: equal where the fingerprint is")           \
  X(hello_2, "hash", share, 0, 1, "the same once more, otherwise hashed")                         \
  X(hello_3, "hash", share, 0, 1, "the same once more, otherwise hashed")                         \
  X(told, "a minute", logarithm, 0.1, 6000, "requests that servers have told of")                 \
  X(told_gap, "ms", logarithm, 10, 60'000, "from one of these to the next")                       \
  X(told_jitter, "of the gap", linear, 0, 2, "standard deviation of that gap; 0: a clock")        \
  X(told_failed, "", share, 0, 1, "of these, answered with a status from 400 up")                 \
  X(paths, "", share, 0, 1, "different paths among them")                                         \
  X(path_depth, "parts", linear, 0, 8, "of their paths, mean")                                    \
  X(path_1, "hash", share, 0, 1, "of their paths, mean: near where the same paths are asked for") \
  X(path_2, "hash", share, 0, 1, "the same once more, otherwise hashed")                          \
  X(path_3, "hash", share, 0, 1, "the same once more, otherwise hashed")

enum class Feature : uint8_t {
#define X(name, unit, scale, least, most, text) name,
  DAM_BEHAVIOUR_FEATURES(X)
#undef X
};

struct FeatureRow {
  const char* name;
  const char* unit;
  Scale scale;
  double least, most;
  const char* text;
};
inline constexpr FeatureRow kFeatures[] = {
#define X(name, unit, scale, least, most, text) {#name, unit, Scale::scale, least, most, text},
    DAM_BEHAVIOUR_FEATURES(X)
#undef X
};
inline constexpr size_t kFeatureCount = std::size(kFeatures);

// Of what a source has given no sign of: in the middle, as far from little as from much.
inline constexpr float kAbsentFeature = 0.5F;
inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

using FeatureValues = std::array<double, kFeatureCount>;  // in their units; kNoValue: no sign
using Behaviour = std::array<float, kFeatureCount>;       // in [0, 1]

inline double& at(FeatureValues& values, Feature feature) {
  return values[static_cast<size_t>(feature)];
}

float squashed(const FeatureRow& row, double value);
Behaviour squashed(const FeatureValues& values);
// Back into the feature's unit: "120 ms"; "no sign" where that is what it says.
std::string feature_text(const FeatureRow& row, float squashed);

// In [0, 1]: root mean square of the features' differences.
double distance_between(const Behaviour& a, const Behaviour& b);

// Of a text, in [0, 1): each `seed` gives another one. Not secret, and not meant to be.
double unit_hash(std::string_view text, uint64_t seed);

inline constexpr uint64_t kFnvBasis = 0xcbf29ce484222325;
constexpr uint64_t fnv1a(uint64_t hash, uint64_t word) { return (hash ^ word) * 0x100000001b3; }

// Vectors are compared with those of their own version alone. It follows from the list: another
// feature, scale or bound makes another version.
constexpr int16_t behaviour_version() {
  uint64_t hash = kFnvBasis;
  const auto mix = [&hash](uint64_t word) { hash = fnv1a(hash, word); };
  for (const FeatureRow& row : kFeatures) {
    for (const char* c = row.name; *c != '\0'; ++c) mix(static_cast<uint8_t>(*c));
    mix(static_cast<uint64_t>(row.scale));
    mix(static_cast<uint64_t>(row.least * 1000));
    mix(static_cast<uint64_t>(row.most * 1000));
  }
  constexpr uint64_t kMostVersion = 32'767;
  return static_cast<int16_t>(1 + hash % kMostVersion);
}
inline constexpr int16_t kBehaviourVersion = behaviour_version();

// Markdown: `damctl features`, and controlplane/lookalikes/FEATURES.md.
std::string features_reference();

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/similar_json.h"

#include <cmath>

#include "controlplane/lookalikes/shared_features.h"

namespace dam::control {

namespace {

constexpr size_t kMostShared = 5;

Json feature_json(Feature feature, const Behaviour& behaviour) {
  const FeatureRow& row = kFeatures[static_cast<size_t>(feature)];
  const float value = behaviour[static_cast<size_t>(feature)];
  return {{"feature", row.name}, {"value", feature_text(row, value)}, {"text", row.text}};
}

Json feature_schema() {
  return schema::object({{"feature", schema::string("its name")},
                         {"value", schema::string("with its unit")},
                         {"text", schema::string("what it is")}});
}

schema::Fields known_fields() {
  return {{"source", schema::string("what the policy takes for one source")},
          {"windows", schema::count("of its last hour, which this is the mean of")},
          {"last", schema::count("when the last one began: Unix time, s")},
          {"requests", schema::count("in these, as the dam estimates them")},
          {"connections", schema::count("in these")}};
}

}  // namespace

double percent_of(double distance) { return std::round(distance * 10'000) / 100; }

Json known_json(const KnownBehaviour& known) {
  return {{"source", known.source.text()},
          {"windows", known.windows},
          {"last", known.last_unix_s},
          {"requests", known.requests},
          {"connections", known.connections}};
}

Json features_json(const Behaviour& behaviour) {
  Json list = Json::array();
  for (size_t i = 0; i < kFeatureCount; ++i) {
    list.push_back(feature_json(static_cast<Feature>(i), behaviour));
  }
  return list;
}

Json shared_json(const KnownBehaviour& one, const KnownBehaviour& other,
                 const SimilarAnswer& population) {
  Json list = Json::array();
  for (const Feature feature :
       shared_features(one.behaviour, other.behaviour, population, kMostShared)) {
    list.push_back(feature_json(feature, other.behaviour));
  }
  return list;
}

Json similar_schema() {
  schema::Fields fields = known_fields();
  fields.push_back({"distance", schema::number("%, 0: the same")});
  fields.push_back({"share", schema::array(feature_schema(),
                                           "in which both are near to each other and far from "
                                           "others, the most telling first")});
  schema::Fields all = known_fields();
  all.push_back({"behaviour", schema::array(feature_schema())});
  all.push_back({"within", schema::number("%, of the distance")});
  all.push_back({"similar", schema::array(schema::object(fields), "the nearest first")});
  return schema::object(all);
}

}  // namespace dam::control

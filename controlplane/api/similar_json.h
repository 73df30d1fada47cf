// SPDX-License-Identifier: BSD-3-Clause
// Sources that behave alike, as the API tells of them.
#pragma once

#include "controlplane/api/json_schema.h"
#include "controlplane/lookalikes/behaviour_database.h"

namespace dam::control {

Json known_json(const KnownBehaviour& known);  // without its features
Json features_json(const Behaviour& behaviour);
Json shared_json(const KnownBehaviour& one, const KnownBehaviour& other,
                 const SimilarAnswer& population);
double percent_of(double distance);  // with two decimals

Json similar_schema();

}  // namespace dam::control

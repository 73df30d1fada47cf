// SPDX-License-Identifier: BSD-3-Clause
// What two sources share: features in which they are near to each other and far from others.
#pragma once

#include <vector>

#include "controlplane/lookalikes/behaviour_database.h"

namespace dam::control {

// The most telling first, at most `most`.
std::vector<Feature> shared_features(const Behaviour& one, const Behaviour& other,
                                     const SimilarAnswer& population, size_t most);

}  // namespace dam::control

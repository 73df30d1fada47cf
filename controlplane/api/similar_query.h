// SPDX-License-Identifier: BSD-3-Clause
// Whose like is looked for, and how near.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/api/endpoint.h"
#include "controlplane/lookalikes/lookalikes.h"

namespace dam::control {

std::vector<Parameter> similar_parameters();  // within, over
Json within_schema();
Json over_schema();

// Nothing after a 400 or 503.
std::optional<SimilarQuery> read_similar_query(const Lookalikes& lookalikes,
                                               const std::string& address, const Json& how,
                                               size_t count, httplib::Response& response);
// Nothing after a 404 or 503.
std::optional<SimilarAnswer> ask_similar(const Lookalikes& lookalikes, const SimilarQuery& query,
                                         httplib::Response& response);

}  // namespace dam::control

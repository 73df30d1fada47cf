// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients, as the API takes and shows them: whom they hit is said, for others
// share a fingerprint.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controlplane/api/endpoint.h"
#include "controlplane/bans/fingerprint_book.h"
#include "controlplane/dataplane_link/ask.h"

namespace dam::control {

void post_fingerprint_ban(BanBook& book, const Ask& ask, const Call& call,
                          httplib::Response& response);
// Of a list of patterns: a warning for each that is common.
void warn_of_common(FingerprintBook& book, const Ask& ask, const std::set<std::string>& patterns,
                    std::vector<Problem>& problems);
// Waits for it; where the dataplane refuses them that is said.
bool kinds_are_told(FingerprintBook& book, std::vector<Problem>& problems);
void delete_fingerprint_ban(FingerprintBook& book, const std::string& ja4,
                            httplib::Response& response);

Json fingerprint_hits_schema();

}  // namespace dam::control

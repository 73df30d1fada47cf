// SPDX-License-Identifier: BSD-3-Clause
// What every request that changes the policy says beside the change, and what it is answered.
#pragma once

#include <httplib.h>

#include <optional>
#include <string>

#include "controlplane/api/endpoint.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

std::vector<Parameter> intent_parameters();
Parameter force_parameter();  // of changes that there may be objections to
std::map<int, Json> change_answers(const schema::Fields& more);  // beside those of body_of()

// ?dry_run=1, ?confirm_within=60s, ?force=1, If-Match: "7". Nothing after a 400 that says what is
// wrong.
std::optional<Intent> read_intent(const Call& call, httplib::Response& response);

std::string etag_of(int64_t version);
int status_of(ChangeResult::Outcome outcome);
Json body_of(const ChangeResult& result);

}  // namespace dam::control

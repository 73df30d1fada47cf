// SPDX-License-Identifier: BSD-3-Clause
// What every request that changes something says beside the change, and what it is answered.
#pragma once

#include <httplib.h>

#include <optional>
#include <string>

#include "controlplane/api/problem_json.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

void answer(httplib::Response& response, int status, const Json& body);

// ?dry_run=1, ?confirm_within=60s, If-Match: "7". Nothing after a 400 that says what is wrong.
std::optional<Intent> read_intent(const httplib::Request& request, httplib::Response& response);

// A number above 0 in the query; nothing where there is none of that name, or after a 400.
std::optional<int64_t> read_number(const httplib::Request& request, httplib::Response& response,
                                   const std::string& name);

std::string etag_of(int64_t version);
int status_of(ChangeResult::Outcome outcome);
Json body_of(const ChangeResult& result);

}  // namespace dam::control

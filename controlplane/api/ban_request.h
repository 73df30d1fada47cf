// SPDX-License-Identifier: BSD-3-Clause
// What requests that ban have in common.
#pragma once

#include <string>

#include "controlplane/api/endpoint.h"
#include "controlplane/bans/ban_book.h"

namespace dam::control {

// Who asks must not ban himself: the peer, or whom damctl says that it was started by (SSH).
Asker asker_of(const Call& call, const char* origin);
// `for`, `until` and `reason`; false after a 400.
bool read_ban_end(const Json& from, BanRequest& ban, httplib::Response& response);
bool read_ban_reason(const Json& from, BanRequest& ban, httplib::Response& response);
Json ban_for_schema();
Json ban_until_schema();
Json ban_reason_schema();

int ban_status(const BanResult& result, bool in_force);
// Of a change of bans; `body`: what else is said of it.
void answer_change(const BanResult& result, bool in_force, httplib::Response& response,
                   Json body = Json::object());
void refuse_ban(httplib::Response& response, const std::string& message, const std::string& hint);

}  // namespace dam::control

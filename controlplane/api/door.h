// SPDX-License-Identifier: BSD-3-Clause
// Who sends a request: by the Unix socket's credentials, or by a certificate or a token.
#pragma once

#include <string>

#include "controlplane/api/endpoint.h"
#include "controlplane/trust/trust.h"

namespace dam::control {

// Requests over the network: of each caller, and of each address where nobody is known.
struct RequestRates {
  double caller_a_second = 20, caller_burst = 100;
  double stranger_a_second = 5, stranger_burst = 20;
};

// The user at the other end of the Unix socket, by the kernel's word: root, this program's own user
// and members of the group `dam` are admins; others are nobody, whatever the file's mode says.
Caller socket_caller(const httplib::Request& request);

// By the bearer token that the request has, or else its session's cookie, or else the certificate
// that the connection has.
Identify network_caller(Trust& trust, const RequestRates& rates = {});

inline constexpr const char* kSessionCookie = "__Host-dam_session";
// Of a request's cookies; "": it has none.
std::string session_id_of(const httplib::Request& request);
// Of "Authorization: Bearer …"; "": it has none.
std::string bearer_token_of(const httplib::Request& request);

// Whoever reaches the address of /metrics.
Caller scraper(const httplib::Request& request);

// Writes refusals into the audit log.
Refused refusals_to(AuditStore& audit);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Parts of a snapshot, checked and converted one by one. `where` begins each sentence.
#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/policy.h"
#include "dataplane/ipc/dam.pb.h"
#include "dataplane/ipc/errors.h"

namespace dam {

bool check_name(const std::string& where, const std::string& name, Errors& errors);
Zone read_zone(const v1::Zone& message, Errors& errors);
Server read_server(const v1::Server& message, Errors& errors);
// One entry an address; `group` is left to the caller.
std::vector<Listener> read_listener(const v1::Listener& message, Errors& errors);
// Names, ALPN, path and sources; `route` and `listener_group` are left to the caller.
RouteRule read_rule(const v1::Route& message, Protocol protocol, Errors& errors);
Timeouts read_timeouts(const v1::Timeouts& message, Errors& errors);
PortRange read_port_range(const v1::Snapshot& message, Errors& errors);
Limits read_limits(const v1::Snapshot& message, const Limits& tables, Errors& errors);
std::vector<SourcePrefix> read_prefixes(
    const std::string& where, const google::protobuf::RepeatedPtrField<v1::Subnet>& subnets,
    Errors& errors);

}  // namespace dam

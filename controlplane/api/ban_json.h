// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "controlplane/api/json_schema.h"
#include "controlplane/bans/ban.h"

namespace dam::control {

Json ban_json(const KeptBan& ban);
Json fingerprint_ban_json(const FingerprintBan& ban);
Json ban_schema();
Json fingerprint_ban_schema();

}  // namespace dam::control

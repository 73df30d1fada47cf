// SPDX-License-Identifier: BSD-3-Clause
// Lists of bans, of sources and of kinds of clients, as the API takes and gives them.
#pragma once

#include "controlplane/api/endpoint.h"
#include "controlplane/bans/ban_book.h"
#include "controlplane/dataplane_link/ask.h"

namespace dam::control {

void post_import(BanBook& book, const Ask& ask, const Call& call, httplib::Response& response);
void get_export(BanBook& book, const Call& call, httplib::Response& response);

}  // namespace dam::control

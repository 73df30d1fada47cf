// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "dataplane/ipc/dam.pb.h"

namespace dam {

inline v1::Reply refusal(const std::vector<std::string>& errors) {
  v1::Reply reply;
  for (const std::string& error : errors) reply.add_errors(error);
  return reply;
}

inline v1::Reply done() {
  v1::Reply reply;
  reply.set_ok(true);
  return reply;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Connections by filter, one part of the dataplane's tables after the other.
#pragma once

#include <string>
#include <utility>

#include "controlplane/dataplane_link/ask.h"

namespace dam::control {

class FlowScan {
 public:
  FlowScan(const Ask& ask, v1::FlowQuery query) : ask_(ask) {
    *request_.mutable_flows() = std::move(query);
  }

  // The next part of at most `most` flows (0: only their number); false at the end, or when
  // something is wrong.
  bool step(uint32_t most) {
    request_.mutable_flows()->set_most(most);
    auto reply = ask_(request_, wrong);
    if (!reply || !reply->ok()) return false;
    part = std::move(*reply->mutable_flows());
    request_.mutable_flows()->set_from(part.next());
    return true;
  }
  bool more() const { return request_.flows().from() != 0; }

  v1::FlowList part;
  std::string wrong;

 private:
  const Ask& ask_;
  v1::Request request_;
};

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/capture/comment.h"

#include <map>

#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/policy/subnet.h"
#include "dataplane/core/counters.h"

namespace dam::control {

// A dimension's name in core's list is its key in dam.yaml, and the end of its two reasons' names.
std::string bucket_of(int drop_reason) {
  static const std::map<int, std::string> kBuckets = {
#define X(name, unit) \
  {DAM_DROP_source_##name, "per_source." #name}, {DAM_DROP_zone_##name, "total." #name},
      DAM_DIMENSIONS(X) X(concurrent, "connections")
#undef X
  };
  const auto found = kBuckets.find(drop_reason);
  return found != kBuckets.end() ? found->second : "";
}

std::string comment_of(const v1::CapturedFrame& frame) {
  const std::string zone = frame.zone().empty() ? "a zone that is gone" : "zone " + frame.zone();
  if (frame.reason() >= DAM_DROP_COUNT) return "for an unknown reason; " + zone;
  const int reason = static_cast<int>(frame.reason());
  if (reason == DAM_DROP_consumed) return std::string(drop_text(reason)) + "; " + zone;
  if (reason == DAM_DROP_none) {
    return "passed: " + zone + (frame.from_server() ? ", from the server" : ", from the client");
  }
  const std::string bucket = bucket_of(reason);
  return std::string("dropped: ") + drop_name(reason) + " (" + drop_text(reason) + "); " + zone +
         (bucket.empty() ? "" : "; bucket " + bucket);
}

std::string subject_of(const v1::StartCapture& asked) {
  std::string text = asked.passed() && asked.dropped() ? "passed and dropped packets"
                     : asked.dropped()                 ? "dropped packets"
                                                       : "passed packets";
  if (!asked.reason().empty()) text += " (" + asked.reason() + ")";
  const auto client = asked.has_client() ? read_subnet(asked.client()) : std::nullopt;
  if (client) text += " of " + client->text();
  if (!asked.zone().empty()) text += " in zone " + asked.zone();
  return text;
}

}  // namespace dam::control

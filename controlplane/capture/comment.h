// SPDX-License-Identifier: BSD-3-Clause
// What a capture says of its packets, and of itself, in words.
#pragma once

#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

// The bucket that refuses for this reason, as dam.yaml names it ("per_source.packets"); "" where
// it is none.
std::string bucket_of(int drop_reason);

// "dropped: source_packets (over …); zone api; bucket per_source.packets"
std::string comment_of(const v1::CapturedFrame& frame);

// "dropped packets of 198.51.100.0/24 in zone api"
std::string subject_of(const v1::StartCapture& asked);

}  // namespace dam::control

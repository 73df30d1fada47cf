// SPDX-License-Identifier: BSD-3-Clause
// The digest in HelloReply.start_digest: both planes compute it of the same message.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <string>

#include "dataplane/ipc/dam.pb.h"

namespace dam {

// FNV-1a, 64 bits, of the deterministic encoding. It tells configurations apart; it protects
// nothing.
inline uint64_t start_digest(const v1::Start& start) {
  std::string encoded;
  {
    google::protobuf::io::StringOutputStream stream(&encoded);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    start.SerializeToCodedStream(&coded);
  }
  uint64_t digest = 0xcbf29ce484222325u;
  for (const char c : encoded) {
    digest = (digest ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  }
  return digest;
}

}  // namespace dam

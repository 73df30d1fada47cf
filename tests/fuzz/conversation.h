// SPDX-License-Identifier: BSD-3-Clause
// Requests as they lie on the control socket, and changes that leave them requests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/ipc/dam.pb.h"
#include "dataplane/ipc/framing.h"
#include "tests/fuzz/message_mutator.h"

namespace dam::fuzz {

// As far as the input is whole messages.
inline std::vector<v1::Request> requests_in(std::string_view octets) {
  std::vector<v1::Request> requests;
  while (octets.size() >= kLengthBytes) {
    const uint32_t bytes = get_length(octets.data());
    octets.remove_prefix(kLengthBytes);
    if (bytes > octets.size()) break;
    v1::Request request;
    if (!request.ParseFromArray(octets.data(), static_cast<int>(bytes))) break;
    requests.push_back(std::move(request));
    octets.remove_prefix(bytes);
  }
  return requests;
}

inline std::string octets_of(const std::vector<v1::Request>& requests) {
  std::string octets;
  for (const v1::Request& request : requests) {
    const std::string body = request.SerializeAsString();
    const auto length = put_length(static_cast<uint32_t>(body.size()));
    octets.append(length.data(), length.size()).append(body);
  }
  return octets;
}

inline const std::vector<std::string>& words() {
  static const std::vector<std::string> kWords = {"",
                                                  "front",
                                                  "light",
                                                  "management",
                                                  "web",
                                                  "admin",
                                                  "https",
                                                  "raw",
                                                  "auto",
                                                  "xdp",
                                                  "dpdk",
                                                  "on",
                                                  "off",
                                                  "eth0",
                                                  "bytes",
                                                  "packets",
                                                  "hello",
                                                  "established",
                                                  "violations",
                                                  "connections",
                                                  "source_packets",
                                                  "*.example.org",
                                                  "www.example.org",
                                                  "manage.example.org",
                                                  "0000:01:00.0",
                                                  "net_memif0,role=client,id=1",
                                                  std::string("\xc6\x12\x00\x02", 4),
                                                  std::string("\xc6\x12\x0a\x0a", 4),
                                                  std::string("\xc6\x33\x64\x07", 4),
                                                  std::string(16, '\0'),
                                                  std::string(4, '\0'),
                                                  "/",
                                                  "h2"};
  return kWords;
}

inline std::string mutated(std::string_view octets, unsigned seed) {
  std::vector<v1::Request> requests = requests_in(octets);
  MessageMutator mutator(seed, words());
  if (requests.empty()) requests.emplace_back();
  const size_t one = mutator.below(requests.size());
  switch (mutator.below(8)) {
    case 0:
      requests.push_back(requests[one]);
      break;
    case 1:
      requests.erase(requests.begin() + static_cast<ptrdiff_t>(one));
      break;
    case 2:
      std::swap(requests[one], requests.back());
      break;
    default:
      for (size_t i = mutator.below(4); i < 4; ++i) mutator.mutate(requests[one]);
      break;
  }
  return octets_of(requests);
}

}  // namespace dam::fuzz

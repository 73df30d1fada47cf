// SPDX-License-Identifier: BSD-3-Clause
// Any datagram as a server's line.
#include <string_view>

#include "controlplane/policy/reader.h"
#include "controlplane/signals/signal_line.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

using namespace dam::control;

void check_path(const std::string& path) {
  check(path.size() <= kMostSignalPath, "a path is bounded");
  if (!path.starts_with('/') || path.find_first_of("%?#") != std::string::npos) return;
  check(normal_path(path) == path, "a normal path is its own normal form");
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  const auto signal = read_signal_line({reinterpret_cast<const char*>(data), size});
  if (!signal) return 0;
  check(is_host_address(signal->client), "a client is a host");
  check(signal->status <= 999, "a status has three digits");
  check(signal->class_name.empty() || is_name(signal->class_name), "a class is a name");
  check_path(signal->path);
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a request: no read outside them, the same answer however they arrive, and only paths
// and hosts in the one spelling that routes are compared with.
#include "dataplane/engine/http_head.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

constexpr uint32_t kMaxBytes = 2048;

struct Parsed {
  HelloStatus status{};
  uint32_t head_bytes = 0, need_bytes = 0;
  std::string method, path, host;
};

Parsed parse(std::span<const uint8_t> bytes, uint32_t seen_bytes) {
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());  // ASan guards both its ends
  std::vector<uint8_t> scratch(hello_scratch_bytes(kMaxBytes));
  HttpHead head;
  Parsed result;
  result.status = parse_http_head(exact, scratch, kMaxBytes, seen_bytes, head);
  result.head_bytes = head.head_bytes;
  result.need_bytes = head.need_bytes;
  result.method = head.method;
  result.path = head.path;
  result.host = head.host;
  return result;
}

// In pieces of `step` bytes, with what was seen handed on.
Parsed parse_in_pieces(std::span<const uint8_t> bytes, size_t step) {
  Parsed parsed;
  uint32_t seen = 0;
  for (size_t length = 0;; length = std::min(length + step, bytes.size())) {
    parsed = parse(bytes.first(length), seen);
    if (parsed.status != HelloStatus::incomplete || length == bytes.size()) return parsed;
    check(parsed.need_bytes > length, "need_bytes is more than there is");
    seen = static_cast<uint32_t>(length);
  }
}

bool is_refused(const Parsed& parsed) {
  return parsed.status == HelloStatus::malformed || parsed.status == HelloStatus::too_long;
}

// Of a head that is both too long and malformed, how much of it is there says which of the two.
bool is_same(const Parsed& a, const Parsed& b) {
  const bool read_alike = a.status == b.status || (is_refused(a) && is_refused(b));
  return read_alike && a.path == b.path && a.host == b.host;
}

void check_path(const std::string& path) {
  if (path == "*") return;
  check(path.starts_with('/'), "a path starts with a slash");
  const std::string closed = path + "/";
  for (const char* segment : {"/./", "/../"}) {
    check(closed.find(segment) == std::string::npos, "no dot segments");
  }
  check(path.find("//") == std::string::npos, "no doubled slashes");
  check(std::all_of(path.begin(), path.end(),
                    [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f; }),
        "no control characters");
}

void check_complete(std::span<const uint8_t> bytes, const Parsed& parsed) {
  const size_t length = parsed.head_bytes;
  check(length <= bytes.size() && length <= kMaxBytes, "the head lies in the bytes");
  const Parsed part = parse(bytes.first(length - 1), 0);
  check(part.status == HelloStatus::incomplete && part.need_bytes == length, "one byte is missing");
  check_path(parsed.path);
  check(parsed.host.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ @/\\,") == std::string::npos,
        "the host is compared in lower case, alone");
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  const std::span<const uint8_t> bytes(data, size);
  const Parsed parsed = parse(bytes, 0);
  const Parsed pieces = parse_in_pieces(bytes, size == 0 ? 1 : 1 + data[size / 2] % 7);
  check(is_same(parsed, pieces), "pieces do not matter");
  if (parsed.status == dam::HelloStatus::complete) check_complete(bytes, parsed);
  return 0;
}

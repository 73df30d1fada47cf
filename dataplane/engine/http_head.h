// SPDX-License-Identifier: BSD-3-Clause
// Reads the head of a plain HTTP/1.x request (RFC 9112) as far as routing needs it. All bytes are
// hostile. The first request of a connection routes all of it, and authorises nothing; of later
// ones plain_requests.cc asks the same, to know where they count.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/engine/hello_status.h"

namespace dam {

// Views point into `bytes` or `scratch` of the call that filled them.
struct HttpHead {
  std::string_view method;
  // The target's path, without query, as nginx compares it: percent-decoded once, "//" merged, dot
  // segments resolved, so that no spelling of a path dodges or gains a prefix. "*" for OPTIONS *.
  // A "%00" or other control character, a broken escape and ".." above the root are malformed.
  std::string_view path;
  // The target's authority if it has one (RFC 9112 3.2.2), else the Host field: lower case, without
  // port and one trailing dot. Empty: absent (HTTP/1.0 without Host, or an empty one). An IPv6
  // literal keeps its brackets.
  std::string_view host;
  uint32_t head_bytes = 0;  // complete: length with the empty line
  uint32_t need_bytes = 0;  // incomplete: no call with fewer bytes than this can complete
};

// Parses the head in `bytes`, the client's bytes from the first one of the connection. A head
// longer than max_bytes is too_long. scratch needs hello_scratch_bytes(max_bytes). seen_bytes: how
// many bytes the previous call for this connection had, which answered incomplete (0: there was
// none); they are not scanned again.
//
// Malformed: anything but HTTP/1.x (so the h2c preface, too), CONNECT, lines that end without CR or
// a CR alone, folded lines, blanks around a field's name, control characters, HTTP/1.1 without
// Host, more than one Host (RFC 9112 3.2), a host that is none.
HelloStatus parse_http_head(std::span<const uint8_t> bytes, std::span<uint8_t> scratch,
                            uint32_t max_bytes, uint32_t seen_bytes, HttpHead& out);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// Any segments of a client and its server, as often, late and torn as it likes: never more requests
// than records of TLS; of a browser's kind of conversation never more than heads; without TLS as
// many, however the octets are cut.
#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "dataplane/core/requests.h"
#include "dataplane/engine/http_requests.h"
#include "tests/fuzz/check.h"
#include "tests/unit/core/request_conversation.h"

namespace dam::fuzz {
namespace {

constexpr uint32_t kFirst = 0xffffff80;  // the numbers wrap soon

// What is left of the input.
class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t octet() { return bytes_.empty() ? 0 : take(1)[0]; }
  std::span<const uint8_t> take(size_t count) {
    const auto taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const uint8_t> bytes_;
};

// The same records, found beside.
uint32_t records_in(dam_tls_cursor cursor, const dam_tls_segment& segment) {
  uint32_t records = 0;
  while (records < DAM_TLS_RECORDS && dam_tls_next(&cursor, &segment).bytes != 0) ++records;
  return records;
}

void follow_tls(Input input, bool offers_h2) {
  dam_requests requests;
  dam_requests_begin(&requests, dam_seq_of(kFirst), offers_h2, 3);
  uint32_t client = kFirst, server = 1, now = 0, records = 0;
  while (!input.empty()) {
    const uint8_t kind = input.octet(), moved = input.octet();
    const std::span<const uint8_t> part = input.take(input.octet());
    std::vector<uint8_t> octets(part.begin(), part.end());  // ASan guards both its ends
    octets.reserve(1);
    const auto bytes = static_cast<uint32_t>(octets.size());
    uint32_t& next = (kind & 1) != 0 ? server : client;
    next += static_cast<uint32_t>(static_cast<int8_t>(moved));
    // A frame may be in pieces: then less can be read than there is.
    const dam_tls_segment segment{octets.data(), octets.data() + bytes, dam_seq_of(next),
                                  bytes + (kind >> 6) * 100u};
    now += kind >> 2 & 15;
    next += segment.bytes;
    if ((kind & 1) != 0) {
      dam_requests_answer(&requests, &segment, dam_seq_of(client));
      continue;
    }
    records += records_in(requests.records, segment);
    dam_requests after = requests;
    dam_requests_segment(&after, &segment, dam_seq_of(server), now);
    dam_requests_keep(&requests, &after);
    check(std::memcmp(&requests, &after, sizeof after) == 0, "all of it is kept");
    check(requests.count <= records, "no more requests than records");
    check(requests.waiting <= DAM_REQUESTS_MOST_HEADS, "those that wait are bounded");
    check(dam_requests_are_followed(&requests, 3) && !dam_requests_are_plain(&requests),
          "it stays what it is");
  }
}

// The unit tests' conversations, by the input instead of dice; silence behind its end.
void converse(Input input) {
  const uint8_t kind = input.octet();
  test::Conversation conversation(
      kind, [&input] { return static_cast<uint32_t>(input.octet()) << 8 | input.octet(); });
  while (!input.empty()) {
    conversation.burst();
    check(conversation.counted() <= conversation.heads(), "no more requests than heads");
  }
}

void read_plain(HttpRequests& requests, HttpRouteText& text, std::span<const uint8_t> octets,
                std::vector<std::vector<uint8_t>>& routes) {
  while (!octets.empty()) {
    const HttpProgress read = read_http_request(requests, text, octets);
    check(read.octets != 0 && read.octets <= octets.size(), "it goes on");
    octets = octets.subspan(read.octets);
    if (read.request) routes.emplace_back(text.octets().begin(), text.octets().end());
  }
}

void follow_plain(std::span<const uint8_t> octets, size_t step) {
  HttpRequests whole = begin_http_requests(dam_seq_of(kFirst), 3), pieces = whole;
  HttpRouteText whole_text, text;
  std::vector<std::vector<uint8_t>> routes, routes_in_pieces;
  read_plain(whole, whole_text, octets, routes);
  for (size_t at = 0; at < octets.size(); at += step) {
    const auto part = octets.subspan(at, std::min(step, octets.size() - at));
    const std::vector<uint8_t> exact(part.begin(), part.end());
    read_plain(pieces, text, exact, routes_in_pieces);
    pieces = http_requests_of(record_of(pieces));
  }
  check(routes == routes_in_pieces, "pieces do not matter");
  check(std::memcmp(&whole, &pieces, sizeof whole) == 0, "nor for what is known then");
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  if ((data[0] & 128) != 0) {
    dam::fuzz::converse(dam::fuzz::Input(bytes));
  } else if ((data[0] & 2) != 0) {
    dam::fuzz::follow_plain(bytes, 1 + data[0] / 4u % 9);
  } else {
    dam::fuzz::follow_tls(dam::fuzz::Input(bytes), (data[0] & 1) != 0);
  }
  return 0;
}

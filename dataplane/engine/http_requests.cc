// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/http_requests.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace dam {
namespace {

enum Name : uint8_t { kContentLength, kTransferEncoding, kUpgrade, kHost, kNames };
constexpr std::string_view kNameText[kNames] = {"content-length", "transfer-encoding", "upgrade",
                                                "host"};
constexpr std::string_view kChunked = "chunked";
enum Message : uint8_t { kPlainMessage = 0, kHasChunks = 1, kUpgrades = 2, kHeadless = 4 };
constexpr uint64_t kMostOctets = (uint64_t{1} << 44) - 1;  // more never ends

uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c | 0x20) : c; }

int digit_of(uint8_t c) {
  const uint8_t l = lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

void add_digit(HttpRequests& r, uint8_t c, unsigned base) {
  const int digit = digit_of(c);
  if (digit < 0 || static_cast<unsigned>(digit) >= base) return;
  const uint64_t left = r.left() * base + static_cast<unsigned>(digit);
  r.set_left(std::min(left, kMostOctets));
}

void between_messages(HttpRequests& r) {
  r.state = HttpState::start;
  if ((r.message & kUpgrades) == 0) return;
  r.state = HttpState::upgrading;
  r.matched = r.switches;
}

void end_head(HttpRequests& r) {
  if ((r.message & kHasChunks) != 0) {
    r.set_left(0);
    r.state = HttpState::size;
  } else if (r.left() != 0) {
    r.state = HttpState::body;
  } else {
    between_messages(r);
  }
}

void end_size(HttpRequests& r) { r.state = r.left() != 0 ? HttpState::chunk : HttpState::trailer; }

// A field line's first octet. Folded lines and names that do not matter are skipped.
void begin_field(HttpRequests& r, uint8_t c) {
  r.state = HttpState::skip;
  for (uint8_t name = 0; name < kNames; ++name) {
    if (lower(c) != static_cast<uint8_t>(kNameText[name][0])) continue;
    r.state = HttpState::name;
    r.name = name;
    r.matched = 1;
  }
}

void end_name(HttpRequests& r) {
  r.state = HttpState::skip;
  if (r.name == kContentLength) {
    r.set_left(0);
    r.state = HttpState::length;
  } else if (r.name == kTransferEncoding) {
    r.matched = 0;
    r.state = HttpState::coding;
  } else if (r.name == kHost) {
    r.state = HttpState::host;
  } else {
    r.message |= kUpgrades;
  }
}

void on_name(HttpRequests& r, uint8_t c) {
  const std::string_view text = kNameText[r.name];
  if (r.matched == text.size() && c == ':') return end_name(r);
  const bool goes_on = r.matched < text.size() && lower(c) == static_cast<uint8_t>(text[r.matched]);
  if (goes_on) return void(++r.matched);
  r.state = HttpState::skip;
}

void on_coding(HttpRequests& r, uint8_t c) {
  const bool goes_on = lower(c) == static_cast<uint8_t>(kChunked[r.matched]);
  r.matched = goes_on ? static_cast<uint8_t>(r.matched + 1) : lower(c) == 'c';
  if (r.matched != kChunked.size()) return;
  r.message |= kHasChunks;
  r.state = HttpState::skip;
}

void on_line_end(HttpRequests& r) {
  switch (r.state) {
    case HttpState::field:
      return end_head(r);
    case HttpState::size:
    case HttpState::extension:
      return end_size(r);
    case HttpState::chunk_end:
      r.set_left(0);
      r.state = HttpState::size;
      return;
    case HttpState::trailer:
      return between_messages(r);
    case HttpState::trailer_line:
      r.state = HttpState::trailer;
      return;
    default:
      r.state = HttpState::field;
  }
}

// Of a head, or of the lines about chunks.
void on_octet(HttpRequests& r, uint8_t c) {
  if (c == '\n') return on_line_end(r);
  if (c == '\r') return;
  switch (r.state) {
    case HttpState::field:
      return begin_field(r, c);
    case HttpState::name:
      return on_name(r, c);
    case HttpState::length:
      return add_digit(r, c, 10);
    case HttpState::coding:
      return on_coding(r, c);
    case HttpState::size:
      if (digit_of(c) < 0) r.state = HttpState::extension;
      return add_digit(r, c, 16);
    case HttpState::trailer:
      r.state = HttpState::trailer_line;
      return;
    default:
      return;
  }
}

// Between messages.
void on_start(HttpRequests& r, uint8_t c) {
  if (c == '\r' || c == '\n') return;
  if (r.state == HttpState::upgrading && r.switches != r.matched) {
    r.state = HttpState::tunnel;
    return;
  }
  r.state = HttpState::line;
  r.message = kPlainMessage;
  r.set_left(0);
}

bool is_between(HttpState state) {
  return state == HttpState::start || state == HttpState::upgrading;
}

// What the octet tells of the request's route.
void note_route(HttpRouteText& text, HttpState before, HttpState now, uint8_t c) {
  if (is_between(before) && now == HttpState::line) text.begin(c);
  if (before == HttpState::name && now == HttpState::host) text.begin_host();
  if (c != '\n') return;
  const bool of_route = before == HttpState::line || before == HttpState::host;
  if (of_route || before == HttpState::field) text.end_line();
}

// Its last line; or the first one, where that names no version: to servers that speak HTTP/0.9 it
// is the whole request (RFC 1945 5).
bool ends_head(HttpRequests& r, const HttpRouteText& text, HttpState before, uint8_t c) {
  if (c != '\n') return false;
  if (before == HttpState::field) return (r.message & kHeadless) == 0;
  if (before != HttpState::line || text.names_version()) return false;
  r.message |= kHeadless;
  return true;
}

// Of lines in which nothing but their end matters, what comes before it: most of a head.
size_t pass_line(const HttpRequests& r, HttpRouteText& text, std::span<const uint8_t> octets) {
  const bool of_route = r.state == HttpState::line || r.state == HttpState::host;
  if (!of_route && r.state != HttpState::skip) return 0;
  const void* const end = std::memchr(octets.data(), '\n', octets.size());
  const size_t passed = end == nullptr
                            ? octets.size()
                            : static_cast<size_t>(static_cast<const uint8_t*>(end) - octets.data());
  if (of_route) text.add(octets.first(passed));
  return passed;
}

bool read_octet(HttpRequests& r, HttpRouteText& text, uint8_t c) {
  const HttpState before = r.state;
  is_between(before) ? on_start(r, c) : on_octet(r, c);
  note_route(text, before, r.state, c);
  return ends_head(r, text, before, c);
}

// What indices are made of.
bool is_sound(const HttpRequests& r) {
  if (r.state > HttpState::host || r.name >= kNames) return false;
  return r.state != HttpState::coding || r.matched < kChunked.size();
}

size_t pass_body(HttpRequests& r, size_t octets) {
  const uint64_t left = r.left(), taken = std::min<uint64_t>(left, octets);
  r.set_left(left - taken);
  if (left != taken) return taken;
  if (r.state == HttpState::chunk) {
    r.state = HttpState::chunk_end;
  } else {
    between_messages(r);
  }
  return taken;
}

}  // namespace

uint64_t HttpRequests::left() const {
  return uint64_t{left_high} << 32 | uint64_t{left_middle} << 16 | uint64_t{left_low[1]} << 8 |
         left_low[0];
}

void HttpRequests::set_left(uint64_t octets) {
  left_high = static_cast<uint16_t>(octets >> 32);
  left_middle = static_cast<uint16_t>(octets >> 16);
  left_low[1] = static_cast<uint8_t>(octets >> 8);
  left_low[0] = static_cast<uint8_t>(octets);
}

// What both have in common lies at the same place, for whoever looks on.
static_assert(offsetof(HttpRequests, switches) == offsetof(dam_requests, records.answers));
static_assert(offsetof(HttpRequests, state) == offsetof(dam_requests, records.partial));
static_assert(static_cast<int>(HttpState::upgrading) == DAM_REQUESTS_UPGRADING);
static_assert(offsetof(HttpRequests, last) == offsetof(dam_requests, last));
static_assert(offsetof(HttpRequests, count) == offsetof(dam_requests, count));
static_assert(offsetof(HttpRequests, first_bytes) == offsetof(dam_requests, first_bytes));
static_assert(offsetof(HttpRequests, gap_8) == offsetof(dam_requests, gap_8));
static_assert(offsetof(HttpRequests, gap_deviation_4) == offsetof(dam_requests, gap_deviation_4));
static_assert(offsetof(HttpRequests, flags) == offsetof(dam_requests, flags));
static_assert(offsetof(HttpRequests, epoch) == offsetof(dam_requests, epoch));

HttpRequests http_requests_of(const dam_requests& record) {
  auto requests = std::bit_cast<HttpRequests>(record);
  if (!is_sound(requests)) requests.state = HttpState::tunnel;
  return requests;
}
dam_requests record_of(const HttpRequests& requests) {
  return std::bit_cast<dam_requests>(requests);
}

HttpRequests begin_http_requests(dam_seq next, uint32_t epoch) {
  HttpRequests requests{};
  requests.next = next;
  requests.flags = DAM_REQUESTS_PLAIN;
  requests.epoch = static_cast<uint8_t>(epoch);
  return requests;
}

bool pass_http_body(HttpRequests& r, uint32_t octets) {
  if (r.state != HttpState::body && r.state != HttpState::chunk) return false;
  if (r.left() < octets) return false;
  pass_body(r, octets);
  r.next = dam_seq_add(r.next, octets);
  return true;
}

bool is_in_head(const HttpRequests& r) {
  return (r.state >= HttpState::line && r.state <= HttpState::coding) || r.state == HttpState::host;
}

HttpProgress read_http_request(HttpRequests& r, HttpRouteText& text,
                               std::span<const uint8_t> octets) {
  HttpProgress read{0, false};
  while (read.octets < octets.size() && !read.request) {
    if (r.state == HttpState::tunnel) {
      read.octets = octets.size();
    } else if (r.state == HttpState::body || r.state == HttpState::chunk) {
      read.octets += pass_body(r, octets.size() - read.octets);
    } else if (const size_t passed = pass_line(r, text, octets.subspan(read.octets)); passed != 0) {
      read.octets += passed;
    } else {
      read.request = read_octet(r, text, octets[read.octets++]);
    }
  }
  r.next = dam_seq_add(r.next, static_cast<uint32_t>(read.octets));
  return read;
}

}  // namespace dam

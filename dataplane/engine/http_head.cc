// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/http_head.h"

#include <algorithm>
#include <array>

#include "dataplane/engine/host_name.h"

namespace dam {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr size_t kMaxPortDigits = 5;

// RFC 9110 5.6.2: the bytes of a token.
constexpr std::array<bool, 256> make_token_bytes() {
  std::array<bool, 256> table{};
  for (uint8_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (uint8_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kTokenBytes = make_token_bytes();

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kTokenBytes[static_cast<uint8_t>(c)]; });
}

bool is_control(uint8_t c) { return c < 0x20 || c == 0x7f; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size() && std::equal(a.begin(), a.end(), lower_case.begin(),
                                                     [](char x, char y) { return lower(x) == y; });
}

// Looks for the empty line, from byte `from` on; the bytes before have passed already. Control
// bytes, a CR or an LF alone (RFC 9112 2.2) are malformed wherever they stand.
HelloStatus find_end(std::string_view text, size_t from, uint32_t& head_bytes) {
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    const bool after_cr = i != 0 && text[i - 1] == '\r';
    if (after_cr != (c == '\n')) return HelloStatus::malformed;
    if (!is_control(static_cast<uint8_t>(c)) || c == '\t' || c == '\r') continue;
    if (c != '\n') return HelloStatus::malformed;
    if (i >= 3 && text[i - 2] == '\n') {
      head_bytes = static_cast<uint32_t>(i + 1);
      return HelloStatus::complete;
    }
  }
  return HelloStatus::incomplete;
}

// How many bytes of "\r\n\r\n" are missing at least.
uint32_t missing_of_end(std::string_view text) {
  for (uint32_t present = 3; present != 0; --present) {
    if (text.ends_with(std::string_view("\r\n\r").substr(0, present))) return 4 - present;
  }
  return 4;
}

// Takes the part before `delimiter` off the front of `rest`; all of it if there is none.
std::string_view take_until(std::string_view& rest, std::string_view delimiter) {
  const size_t at = rest.find(delimiter);
  const std::string_view taken = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + delimiter.size());
  return taken;
}

std::string_view trim_blanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// RFC 3986 3.2.2: "[" an IPv6 address "]". Only its bytes are checked; it is compared as text.
bool read_ip_literal(std::string_view literal, std::span<uint8_t> room, std::string_view& host) {
  if (literal.size() < 4 || literal.size() > room.size()) return false;
  for (size_t i = 0; i < literal.size(); ++i) room[i] = static_cast<uint8_t>(lower(literal[i]));
  host = {reinterpret_cast<const char*>(room.data()), literal.size()};
  const std::string_view inside = host.substr(1, host.size() - 2);
  return inside.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

// uri-host [ ":" port ] (RFC 9110 7.2); user information is refused, since '@' is no host byte.
bool read_authority(std::string_view text, std::span<uint8_t> room, std::string_view& host) {
  const bool literal = text.starts_with('[');
  const size_t host_end = literal ? text.find(']') : text.find(':');
  if (literal && host_end == std::string_view::npos) return false;
  const std::string_view name = text.substr(0, literal ? host_end + 1 : host_end);
  std::string_view port = text.substr(name.size());
  if (!port.empty() && port.front() != ':') return false;
  if (!port.empty()) port.remove_prefix(1);
  if (port.size() > kMaxPortDigits) return false;
  if (port.find_first_not_of(kDigits) != std::string_view::npos) return false;
  return literal ? read_ip_literal(name, room, host) : normalise_host_name(name, room, host);
}

int hex_value(char c) {
  const char l = lower(c);
  return c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// RFC 3986 2.1, once. Gives the length, or -1 for a broken escape or one of a control character.
int64_t percent_decode(std::string_view path, std::span<uint8_t> out) {
  size_t length = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    uint8_t c = static_cast<uint8_t>(path[i]);
    if (c == '%') {
      if (path.size() - i < 3) return -1;
      const int high = hex_value(path[i + 1]);
      const int low = hex_value(path[i + 2]);
      if (high < 0 || low < 0) return -1;
      c = static_cast<uint8_t>(high << 4 | low);
      if (is_control(c)) return -1;
      i += 2;
    }
    out[length++] = c;
  }
  return static_cast<int64_t>(length);
}

// RFC 3986 5.2.4, in place, and runs of slashes become one. Gives the length, or -1 for ".." above
// the root. The path begins with a slash; what is written never overtakes what is read.
int64_t resolve_segments(std::span<uint8_t> path) {
  size_t length = 0;
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end =
        static_cast<size_t>(std::find(path.begin() + begin, path.end(), '/') - path.begin());
    const std::string_view segment(reinterpret_cast<const char*>(path.data()) + begin, end - begin);
    const bool last = end == path.size();
    const bool parent = segment == "..";
    const bool named = !segment.empty() && segment != "." && !parent;
    if (parent) {
      if (length == 0) return -1;
      while (path[--length] != '/') {
      }
    }
    if (named || last) path[length++] = '/';
    if (named) {
      std::copy(segment.begin(), segment.end(), path.begin() + length);
      length += segment.size();
    }
    begin = end + 1;
  }
  return static_cast<int64_t>(length);
}

bool is_plain_path(std::string_view path) {
  return path.find('%') == std::string_view::npos && path.find("//") == std::string_view::npos &&
         path.find("/.") == std::string_view::npos;
}

bool read_path(std::string_view path, std::span<uint8_t> room, HttpHead& out) {
  path = path.substr(0, path.find('?'));
  if (is_plain_path(path)) {
    out.path = path;
    return true;
  }
  const int64_t decoded = percent_decode(path, room);
  if (decoded < 0) return false;
  const int64_t length = resolve_segments(room.first(static_cast<size_t>(decoded)));
  if (length < 0) return false;
  out.path = {reinterpret_cast<const char*>(room.data()), static_cast<size_t>(length)};
  return true;
}

// RFC 9112 3.2.2: absolute-form; `authority` becomes what stands behind the scheme.
bool read_absolute_form(std::string_view target, std::span<uint8_t> room, HttpHead& out,
                        std::string_view& authority) {
  constexpr std::string_view kScheme = "http://";
  if (!equal_ignoring_case(target.substr(0, kScheme.size()), kScheme)) return false;
  target.remove_prefix(kScheme.size());
  authority = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(authority.size());
  if (authority.empty()) return false;
  return read_path(target.starts_with('/') ? target : "/", room, out);
}

bool read_target(std::string_view target, std::span<uint8_t> room, HttpHead& out,
                 std::string_view& authority) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (target.empty() || !std::all_of(target.begin(), target.end(), visible)) return false;
  if (target.front() == '/') return read_path(target, room, out);
  if (target != "*") return read_absolute_form(target, room, out, authority);
  out.path = target;
  return out.method == "OPTIONS";
}

// Gives the minor version, or -1: "HTTP/1." and one digit (RFC 9112 2.3).
int read_version(std::string_view version) {
  constexpr std::string_view kMajor = "HTTP/1.";
  if (version.size() != kMajor.size() + 1 || !version.starts_with(kMajor)) return -1;
  const char minor = version.back();
  return minor >= '0' && minor <= '9' ? minor - '0' : -1;
}

// The field lines (RFC 9112 5). A folded line begins with a blank, so its name is no token; neither
// is a name with a blank before the colon.
bool read_fields(std::string_view rest, uint32_t& hosts, std::string_view& host) {
  while (!rest.empty()) {
    std::string_view line = take_until(rest, "\r\n");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    if (!equal_ignoring_case(line.substr(0, colon), "host")) continue;
    host = trim_blanks(line.substr(colon + 1));
    ++hosts;
  }
  return true;
}

bool read_head(std::string_view head, std::span<uint8_t> scratch, HttpHead& out) {
  const std::span<uint8_t> host_room = scratch.first(kNameBytes);
  std::string_view line = take_until(head, "\r\n");
  out.method = take_until(line, " ");
  const std::string_view target = take_until(line, " ");
  const int minor = read_version(line);
  std::string_view authority, host;
  uint32_t hosts = 0;
  if (minor < 0 || !is_token(out.method) || out.method == "CONNECT") return false;
  if (!read_target(target, scratch.subspan(kNameBytes), out, authority)) return false;
  if (!read_fields(head, hosts, host)) return false;
  if (hosts > 1 || (hosts == 0 && minor >= 1)) return false;
  if (!host.empty() && !read_authority(host, host_room, out.host)) return false;
  return authority.empty() || read_authority(authority, host_room, out.host);
}

}  // namespace

HelloStatus parse_http_head(std::span<const uint8_t> bytes, std::span<uint8_t> scratch,
                            uint32_t max_bytes, uint32_t seen_bytes, HttpHead& out) {
  out = {};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), max_bytes));
  if (!text.empty() && !is_token(text.substr(0, 1))) return HelloStatus::malformed;
  HelloStatus status = find_end(text, seen_bytes, out.head_bytes);
  if (status == HelloStatus::incomplete) {
    out.need_bytes = static_cast<uint32_t>(text.size()) + missing_of_end(text);
    if (out.need_bytes > max_bytes) status = HelloStatus::too_long;
  }
  if (status == HelloStatus::complete) {
    if (scratch.size() < hello_scratch_bytes(out.head_bytes)) return HelloStatus::too_long;
    const std::string_view lines = text.substr(0, out.head_bytes - 2);  // without the empty line
    if (!read_head(lines, scratch, out)) status = HelloStatus::malformed;
  }
  if (status != HelloStatus::complete && status != HelloStatus::incomplete) out = {};
  return status;
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/http_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/engine/hello_status.h"

namespace dam {

namespace {

constexpr uint32_t kMaxBytes = 8192;

// The input lies in memory of exactly its size, so that ASan sees the first byte read too far.
struct ParsedHead {
  HelloStatus status;
  HttpHead head;
  std::vector<uint8_t> input, scratch;
};
ParsedHead parse_head(const std::string& text, uint32_t max_bytes = kMaxBytes,
                      uint32_t seen_bytes = 0) {
  ParsedHead result{
      {}, {}, {text.begin(), text.end()}, std::vector<uint8_t>(hello_scratch_bytes(max_bytes))};
  result.input.shrink_to_fit();
  result.status = parse_http_head(result.input, result.scratch, max_bytes, seen_bytes, result.head);
  return result;
}

std::string get(const std::string& target, const std::string& fields = "Host: a.example\r\n") {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

struct HeadRow {
  const char* sentence;
  std::string text;
  HelloStatus status = HelloStatus::complete;
  std::string host = "a.example";
  std::string path = "/";
};
constexpr HelloStatus kBad = HelloStatus::malformed;

HeadRow host(const char* sentence, const std::string& field, const std::string& expected) {
  return {sentence, get("/", "Host: " + field + "\r\n"), HelloStatus::complete, expected};
}
HeadRow bad_host(const char* sentence, const std::string& field) {
  return {sentence, get("/", "Host: " + field + "\r\n"), kBad, ""};
}
HeadRow bad(const char* sentence, const std::string& text) {
  return {sentence, text, kBad, "", ""};
}

const HeadRow kHosts[] = {
    host("upper case", "WWW.Example.ORG", "www.example.org"),
    host("a trailing dot", "a.example.", "a.example"),
    host("a port", "a.example:8080", "a.example"),
    host("a trailing dot and a port", "a.example.:80", "a.example"),
    host("an empty port", "a.example:", "a.example"),
    host("blanks around it", " \ta.example\t ", "a.example"),
    host("an IPv4 literal", "203.0.113.5:80", "203.0.113.5"),
    host("an IPv6 literal", "[2001:DB8::1]:80", "[2001:db8::1]"),
    host("an empty value", "", ""),
    bad_host("user information", "me@a.example"),
    bad_host("a port that is none", "a.example:8o"),
    bad_host("a port of six digits", "a.example:123456"),
    bad_host("a port alone", ":80"),
    bad_host("two ports", "a.example:80:80"),
    bad_host("a list", "a.example, b.example"),
    bad_host("two names", "a.example b.example"),
    bad_host("a slash", "a.example/"),
    bad_host("an empty label", "a..example"),
    bad_host("half an IPv6 literal", "[2001:db8::1"),
    bad_host("an empty literal", "[]"),
    bad_host("a literal with a zone", "[fe80::1%25eth0]"),
    bad_host("text behind a literal", "[2001:db8::1]a"),
};

const HeadRow kHeadRows[] = {
    {"a plain request", get("/")},
    {"a query is no part of the path", get("/a?b=/c/../d%"), HelloStatus::complete, "a.example",
     "/a"},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", HelloStatus::complete, ""},
    {"HTTP/1.0 with Host", "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n"},
    {"no blank before the value", get("/", "Host:a.example\r\n")},
    {"the field's name in any case", get("/", "hOsT:a.example\r\n")},
    {"Host behind other fields", get("/", "A: b\r\nX-Host: no\r\nHost: a.example\r\nC:\r\n")},
    {"bytes above ASCII in a value", get("/", "X: \xc3\xbc\r\nHost: a.example\r\n")},
    {"a body behind the head", get("/") + "a\nb\x01"},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", HelloStatus::complete,
     "a.example", "*"},
    {"absolute-form goes before Host", get("http://B.example:80/x?y", "Host: a.example\r\n"),
     HelloStatus::complete, "b.example", "/x"},
    {"absolute-form without a path", get("HTTP://b.example?y"), HelloStatus::complete, "b.example"},
    {"absolute-form goes before an empty Host", get("http://b.example", "Host:\r\n"),
     HelloStatus::complete, "b.example"},
    bad("absolute-form with a Host that is none", get("http://b.example/", "Host: @\r\n")),
    bad("absolute-form without Host", get("http://b.example/", "")),
    bad("absolute-form without authority", get("http:///x")),
    bad("absolute-form with user information", get("http://me@b.example/")),
    bad("another scheme", get("https://b.example/")),
    bad("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    bad("CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    bad("GET *", get("*")),
    bad("a path without a slash", get("index.html")),
    bad("a fragment", get("/a#b")),
    bad("a byte above ASCII in the target", get("/\xc3\xbc")),
    bad("HTTP/1.1 without Host", get("/", "")),
    bad("two Hosts", get("/", "Host: a.example\r\nHost: b.example\r\n")),
    bad("the same Host twice", get("/", "Host: a.example\r\nHost: a.example\r\n")),
    bad("a blank before the colon", get("/", "Host : a.example\r\n")),
    bad("a blank before a field", get("/", " Host: a.example\r\n")),
    bad("a folded line", get("/", "X: y\r\n z\r\nHost: a.example\r\n")),
    bad("a folded Host", get("/", "Host: a.example\r\n\tb.example\r\n")),
    bad("a line without colon", get("/", "Host: a.example\r\nnonsense\r\n")),
    bad("a field without name", get("/", ": x\r\nHost: a.example\r\n")),
    bad("a CR alone", get("/", "X: a\rb\r\nHost: a.example\r\n")),
    bad("an LF alone", "GET / HTTP/1.1\nHost: a.example\n\n"),
    bad("an LF alone, later", get("/", "Host: a.example\nX: y\r\n")),
    bad("CR CR LF", get("/", "Host: a.example\r\r\n")),
    bad("a NUL", get("/", std::string("Host: a.example\0\r\n", 18))),
    bad("a control character", get("/", "X: \x01\r\nHost: a.example\r\n")),
    bad("DEL", get("/", "X: \x7f\r\nHost: a.example\r\n")),
    bad("an empty line first", "\r\n" + get("/")),
    bad("two blanks", "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    bad("a blank at the line's end", "GET / HTTP/1.1 \r\nHost: a.example\r\n\r\n"),
    bad("a tab between", "GET\t/\tHTTP/1.1\r\nHost: a.example\r\n\r\n"),
    bad("a target with a blank", get("/a b")),
    bad("HTTP/0.9", "GET /\r\n\r\n"),
    bad("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a.example\r\n\r\n"),
    bad("HTTP/1.10", "GET / HTTP/1.10\r\nHost: a.example\r\n\r\n"),
    bad("http/1.1", "GET / http/1.1\r\nHost: a.example\r\n\r\n"),
    bad("the h2c preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    bad("a ClientHello", "\x16\x03\x01"),
    bad("a PROXY header, version 2", "\r\n\r\n"),
};

struct PathRow {
  const char* sentence;
  const char* target;
  const char* path;  // nullptr: malformed
};
const PathRow kPaths[] = {
    {"plain", "/a/b.html", "/a/b.html"},
    {"a dot in a name", "/a/.b/..c/d..", "/a/.b/..c/d.."},
    {"the challenge", "/.well-known/acme-challenge/t-o_k", "/.well-known/acme-challenge/t-o_k"},
    {"an escaped letter", "/%61pi/x", "/api/x"},
    {"escapes in either case", "/%6a%6A", "/jj"},
    {"dot segments", "/a/./b/../c", "/a/c"},
    {"dots at the end", "/a/b/..", "/a/"},
    {"a dot at the end", "/a/.", "/a/"},
    {"back to the root", "/a/..", "/"},
    {"above the root", "/a/../../b", nullptr},
    {"above the root at once", "/..", nullptr},
    {"escaped dot segments", "/light/%2e%2E/api/", "/api/"},
    {"half-escaped dot segments", "/light/.%2e/api/", "/api/"},
    {"an escaped slash", "/light/..%2fapi/", "/api/"},
    {"escaped above the root", "/%2e%2e/api", nullptr},
    {"doubled slashes", "//api///x//", "/api/x/"},
    {"slashes and dots", "/a//../b", "/b"},
    {"decoded once only", "/%2561pi", "/%61pi"},
    {"an escaped question mark", "/a%3fb/../c", "/c"},
    {"an escaped blank and UTF-8", "/a%20%c3%bc", "/a \xc3\xbc"},
    {"an escaped NUL", "/a%00", nullptr},
    {"an escaped line end", "/a%0d%0a", nullptr},
    {"a broken escape", "/%6", nullptr},
    {"an escape of no digits", "/%zz", nullptr},
    {"a percent sign at the end", "/a%", nullptr},
};

void expect_row(const HeadRow& row) {
  const ParsedHead parsed = parse_head(row.text);
  EXPECT_EQ(parsed.status, row.status) << row.sentence;
  EXPECT_EQ(parsed.head.host, row.host) << row.sentence;
  if (row.status == HelloStatus::complete) {
    EXPECT_EQ(parsed.head.path, row.path) << row.sentence;
    EXPECT_EQ(parsed.head.head_bytes, row.text.find("\r\n\r\n") + 4) << row.sentence;
  }
}

TEST(HttpHead, ReadsEachHostAsRfc9110Says) {
  for (const HeadRow& row : kHosts) expect_row(row);
}

TEST(HttpHead, AnswersEachFormAsRfc9112Says) {
  for (const HeadRow& row : kHeadRows) expect_row(row);
}

TEST(HttpHead, ComparesPathsInOneSpelling) {
  for (const PathRow& row : kPaths) {
    const ParsedHead parsed = parse_head(get(row.target));
    EXPECT_EQ(parsed.status, row.path != nullptr ? HelloStatus::complete : kBad) << row.sentence;
    EXPECT_EQ(parsed.head.path, row.path != nullptr ? row.path : "") << row.sentence;
  }
}

TEST(HttpHead, GivesTheMethod) {
  EXPECT_EQ(parse_head("PROPFIND / HTTP/1.1\r\nHost: a.example\r\n\r\n").head.method, "PROPFIND");
}

TEST(HttpHead, IsIncompleteAtEveryTruncationAndSaysHowMuchIsMissing) {
  const std::string whole = get("/x/../y", "A: b\r\nHost: a.example\r\n");
  for (size_t length = 0; length < whole.size(); ++length) {
    const ParsedHead parsed = parse_head(whole.substr(0, length));
    ASSERT_EQ(parsed.status, HelloStatus::incomplete) << length;
    ASSERT_GT(parsed.head.need_bytes, length);
    ASSERT_LE(parsed.head.need_bytes, whole.size());
  }
}

TEST(HttpHead, NeedsTheRestOfTheEmptyLineAtLeast) {
  EXPECT_EQ(parse_head("G").head.need_bytes, 1u + 4);
  EXPECT_EQ(parse_head("GE\r").head.need_bytes, 3u + 3);
  EXPECT_EQ(parse_head("GE\r\n").head.need_bytes, 4u + 2);
  EXPECT_EQ(parse_head("GE\r\n\r").head.need_bytes, 5u + 1);
}

TEST(HttpHead, DoesNotScanAgainWhatItHasSeen) {
  EXPECT_EQ(parse_head("GE\x01", kMaxBytes, 0).status, HelloStatus::malformed);
  EXPECT_EQ(parse_head("GE\x01", kMaxBytes, 3).status, HelloStatus::incomplete);
}

// Whatever the row, byte by byte and told what it has seen it gives the same answer as at once.
TEST(HttpHead, AnswersTheSameByteByByte) {
  for (const HeadRow& row : kHeadRows) {
    HelloStatus status = HelloStatus::incomplete;
    uint32_t seen = 0;
    for (size_t length = 1; length <= row.text.size(); ++length) {
      const ParsedHead parsed = parse_head(row.text.substr(0, length), kMaxBytes, seen);
      status = parsed.status;
      if (status != HelloStatus::incomplete) break;
      seen = static_cast<uint32_t>(length);
    }
    EXPECT_EQ(status, row.status) << row.sentence;
  }
}

TEST(HttpHead, IsTooLongWhenItsEndCannotComeInTime) {
  const std::string whole = get("/", "Host: a.example\r\n");
  const auto bytes = static_cast<uint32_t>(whole.size());
  EXPECT_EQ(parse_head(whole, bytes).status, HelloStatus::complete);
  EXPECT_EQ(parse_head(whole + "body", bytes).status, HelloStatus::complete);
  EXPECT_EQ(parse_head(whole, bytes - 1).status, HelloStatus::too_long);
  EXPECT_EQ(parse_head("GET /" + std::string(kMaxBytes, 'a')).status, HelloStatus::too_long);
  EXPECT_EQ(parse_head(std::string(96, 'a'), 100).status, HelloStatus::incomplete);
  EXPECT_EQ(parse_head(std::string(97, 'a'), 100).status, HelloStatus::too_long);
}

TEST(HttpHead, SurvivesEveryByteWithEveryBitFlipped) {
  const std::string whole = get("/%61/../b//c", "Host: [2001:db8::1]:80\r\n");
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
      const ParsedHead parsed = parse_head(flipped);
      EXPECT_TRUE(parsed.status != HelloStatus::complete || parsed.head.path.starts_with('/'));
    }
  }
}

}  // namespace
}  // namespace dam

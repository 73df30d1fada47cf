// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/http_requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dam::test {
namespace {

// A connection's octets, and what each request's head says of its route.
struct Reader {
  HttpRequests requests = begin_http_requests(dam_seq_of(0xfffffff0), 0);
  HttpRouteText text;
  std::vector<std::string> routes;

  void read(std::string_view more) {
    std::span<const uint8_t> octets(reinterpret_cast<const uint8_t*>(more.data()), more.size());
    while (!octets.empty()) {
      const HttpProgress progress = read_http_request(requests, text, octets);
      octets = octets.subspan(progress.octets);
      if (!progress.request) continue;
      const auto told = text.octets();
      routes.emplace_back(told.begin(), told.end());
    }
  }
};

std::vector<std::string> routes_in(std::string_view text) {
  Reader whole, by_octet;
  whole.read(text);
  EXPECT_EQ(whole.requests.next.value, 0xfffffff0u + static_cast<uint32_t>(text.size()));
  for (const char& octet : text) by_octet.read({&octet, 1});
  EXPECT_EQ(by_octet.routes, whole.routes) << "octet by octet: " << text;
  return whole.routes;
}

size_t counted(std::string_view text) { return routes_in(text).size(); }

TEST(HttpRequests, OneForEachHead) {
  EXPECT_EQ(counted(""), 0u);
  EXPECT_EQ(counted("GET / HTTP/1.1\r\nHost: a\r\n"), 0u) << "it is not whole yet";
  EXPECT_EQ(counted("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 1u);
  EXPECT_EQ(counted("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n"), 1u) << "empty lines between";
  EXPECT_EQ(counted("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\nHost: a\n\n"), 2u);
}

TEST(HttpRequests, BodiesAreNone) {
  EXPECT_EQ(counted("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nG\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            2u);
  EXPECT_EQ(counted("POST / HTTP/1.1\r\nCONTENT-LENGTH:3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n"), 2u);
  EXPECT_EQ(counted("POST / HTTP/1.1\r\nContent-Lengths: 3\r\n\r\nabc HTTP/1.1\r\n\r\n"), 2u)
      << "another field: what looks like a body is a request";
  EXPECT_EQ(counted("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nGET /\r\n\r\n"),
            1u);
}

TEST(HttpRequests, ChunksAreNone) {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: ";
  const std::string chunks = "5;a=b\r\nGET /\r\n1\r\n\n\r\n0\r\n";
  EXPECT_EQ(counted(head + "chunked\r\n\r\n" + chunks + "\r\nGET / HTTP/1.1\r\n\r\n"), 2u);
  EXPECT_EQ(counted(head + "gzip, Chunked\r\n\r\n" + chunks + "Sum: 1\r\nOf: a\r\n\r\nGET /\n"),
            2u);
  EXPECT_EQ(counted(head + "chunked\r\nContent-Length: 4\r\n\r\n" + chunks + "\r\nGET /\n"), 2u)
      << "chunks go before a length (RFC 9112 6.3)";
  EXPECT_EQ(counted(head + "cchunked\r\n\r\n0\r\n\r\nGET /\n"), 2u);
}

TEST(HttpRequests, AFoldedLineIsNoField) {
  EXPECT_EQ(counted("GET / HTTP/1.1\r\nA: b\r\n Content-Length: 9\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            2u);
}

TEST(HttpRequests, ALineWithoutAVersionIsAWholeRequest) {
  EXPECT_EQ(counted("GET /\r\n"), 1u) << "to servers of HTTP/0.9";
  EXPECT_EQ(counted("GET /\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 2u) << "to others, too";
}

TEST(HttpRequests, TheLineAndTheHostTellTheRoute) {
  using Routes = std::vector<std::string>;
  EXPECT_EQ(
      routes_in("GET /a/b?c=d&e HTTP/1.1\r\nCookie: Host: x\r\nhOsT:\t a:80 \r\nHosts: b\r\n\r\n"),
      Routes{"GET /a/b? HTTP/1.1\r\nHost:\t a:80 \r\n\r\n"});
  EXPECT_EQ(routes_in("GET /a HTTP/1.0\n\nGET /b HTTP/1.1\nHost: c\nHost: d\n\n"),
            (Routes{"GET /a HTTP/1.0\r\n\r\n", "GET /b HTTP/1.1\r\nHost: c\r\nHost: d\r\n\r\n"}));
  EXPECT_EQ(routes_in("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: c\r\n\r\nGET /\r\n"),
            (Routes{"", "GET /\r\n"}))
      << "too long: nothing is told, but that it is one";
  EXPECT_EQ(routes_in("GET /?" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n"),
            Routes{"GET /? HTTP/1.1\r\n\r\n"})
      << "queries may be long";
}

// Messages by dice, of which it is known how many requests there are, cut anywhere.
class Messages {
 public:
  explicit Messages(uint32_t seed) : dice_(seed) {}
  std::string next() {
    static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS"};
    std::string head = std::string(kMethods[below(5)]) + " /" + text(below(40)) + " HTTP/1.1\r\n";
    for (size_t i = below(6); i > 0; --i) head += field();
    switch (below(3)) {
      case 0:
        return head + "\r\n";
      case 1: {
        const std::string body = octets(below(3000));
        return head + "content-Length:  " + std::to_string(body.size()) + "\r\n" + field() +
               "\r\n" + body;
      }
      default:
        return head + "Transfer-encoding: chunked\r\n\r\n" + chunks();
    }
  }
  size_t below(size_t end) { return dice_() % end; }

 private:
  std::string field() {
    static constexpr std::string_view kFieldNames[] = {
        "Host", "Cookie", "Content-Type", "TE", "Upgrade-X", "content-lengt", "transfer-encodings"};
    return std::string(kFieldNames[below(7)]) + ": " + text(below(60)) + "\r\n";
  }
  std::string text(size_t bytes) {
    std::string result;
    for (size_t i = 0; i < bytes; ++i) result += static_cast<char>('!' + below(90));
    return result;
  }
  std::string octets(size_t bytes) {
    std::string result;
    for (size_t i = 0; i < bytes; ++i) result += static_cast<char>(dice_());
    return result;
  }
  std::string chunks() {
    std::string result;
    for (size_t i = below(5); i > 0; --i) {
      const std::string body = octets(1 + below(400));
      char size[20];
      std::snprintf(size, sizeof size, below(2) == 0 ? "%zx" : "%zX", body.size());
      result += size + std::string(below(2) == 0 ? ";name=value" : "") + "\r\n" + body + "\r\n";
    }
    result += "0\r\n";
    for (size_t i = below(3); i > 0; --i) result += field();
    return result + "\r\n";
  }
  std::mt19937 dice_;
};

TEST(HttpRequests, AreCountedExactlyHoweverTheyAreCut) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    Messages messages(seed);
    std::string stream;
    const auto many = static_cast<uint32_t>(1 + messages.below(20));
    for (uint32_t i = 0; i < many; ++i) stream += messages.next();
    Reader reader;
    for (size_t at = 0; at < stream.size();) {
      const size_t bytes = std::min(stream.size() - at, 1 + messages.below(1460));
      reader.read(std::string_view(stream).substr(at, bytes));
      at += bytes;
    }
    ASSERT_EQ(reader.routes.size(), many) << "seed " << seed;
    EXPECT_EQ(reader.requests.state, HttpState::start);
  }
}

// Memory that another process has left, or an intruder has written.
TEST(HttpRequests, ARecordInNoOrderIsATunnel) {
  Reader reader;
  reader.read("GET / HTTP/1.1\r\nTransfer-Encoding: chu");
  const HttpRequests sound = reader.requests;
  EXPECT_EQ(http_requests_of(record_of(sound)).state, HttpState::coding);
  for (const auto& spoil : std::vector<void (*)(HttpRequests&)>{
           [](HttpRequests& r) { r.name = 200; }, [](HttpRequests& r) { r.matched = 200; },
           [](HttpRequests& r) { r.matched = 7; },
           [](HttpRequests& r) { r.state = static_cast<HttpState>(17); }}) {
    HttpRequests spoilt = sound;
    spoil(spoilt);
    EXPECT_EQ(http_requests_of(record_of(spoilt)).state, HttpState::tunnel);
  }
}

}  // namespace
}  // namespace dam::test

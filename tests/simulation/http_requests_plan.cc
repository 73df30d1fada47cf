// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/http_requests_plan.h"

#include <cstdio>
#include <string>

#include "tests/simulation/site.h"
#include "tests/unit/engine/hello_builder.h"

namespace dam::simulation {

namespace {

using namespace test;  // operator+

// The same path in many ways, and paths that are nearly it.
constexpr const char* kHeavyPaths[] = {"/api/a", "//api//b?c=d", "/%61pi/c", "/x/../api/d"};
constexpr const char* kLightPaths[] = {"/page", "/api", "/apis/a", "/api/../b", "/?/api/"};

std::string hexadecimal(uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%llx", static_cast<unsigned long long>(value));
  return digits;
}

Bytes noise(size_t bytes, Random& random) {
  Bytes octets(bytes);
  for (uint8_t& octet : octets) octet = static_cast<uint8_t>(random.next());
  return octets;
}

// RFC 9112 7.1.
Bytes chunks(Random& random) {
  Bytes body;
  for (uint64_t i = random.below(5); i > 0; --i) {
    const Bytes chunk = noise(random.between(1, 700), random);
    body = body + text(hexadecimal(chunk.size()) + (random.chance(0.3) ? ";a=b\r\n" : "\r\n")) +
           chunk + text("\r\n");
  }
  return body + text(random.chance(0.3) ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n");
}

class Writer {
 public:
  Writer(Connection& connection, Random& random) : connection_(connection), random_(random) {}

  // path: empty for one of the zone's own.
  void add(std::string path, uint8_t zone, bool last) {
    const bool heavy = zone == kHeavyZone;
    std::string host = random_.chance(0.2) ? "WWW.example.org" : "www.example.org";
    if (heavy && (!path.empty() || random_.chance(0.3))) {
      host = "v" + std::to_string(random_.below(9)) + ".api.example.org";
    } else if (path.empty()) {
      path = heavy ? kHeavyPaths[random_.below(std::size(kHeavyPaths))]
                   : kLightPaths[random_.below(std::size(kLightPaths))];
    }
    if (path.empty()) path = "/";
    std::string head = " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nX-Pad: " +
                       std::string(random_.between(60, random_.chance(0.1) ? 2000 : 300), 'p') +
                       "\r\n";
    finish(connection_.requests.empty() ? "GET" + head : head, zone, last);
  }

 private:
  // The first one's method stays as short as identity_of() has it.
  void finish(const std::string& head, uint8_t zone, bool last) {
    const bool first = connection_.requests.empty();
    const uint64_t bytes = last ? connection_.client_plan.bytes : random_.below(3'000);
    const bool body = bytes != 0 && (last || random_.chance(0.4));
    const bool in_chunks = !last && random_.chance(0.3);
    std::string lines = first ? head : (body ? "POST" : "GET") + head;
    if (body && !in_chunks) lines += "Content-Length: " + std::to_string(bytes) + "\r\n";
    if (body && in_chunks) lines += "Transfer-Encoding: chunked\r\n";
    connection_.opening = connection_.opening + text(lines + "\r\n");
    connection_.requests.push_back({connection_.opening.size(), zone});
    if (!body || last) return;
    connection_.opening =
        connection_.opening + (in_chunks ? chunks(random_) : noise(bytes, random_));
  }

  Connection& connection_;
  Random& random_;
};

}  // namespace

Bytes make_http_opening(Connection& connection, Random& random) {
  const auto zone = [&] { return random.chance(0.4) ? kHeavyZone : kLightZone; };
  const uint64_t count = random.chance(0.3) ? 1 : random.between(2, 40);
  char path[16];
  std::snprintf(path, sizeof path, "/%08x", connection.id);
  Writer writer(connection, random);
  for (uint64_t i = 1; i <= count; ++i) writer.add(i == 1 ? path : "", zone(), i == count);
  return std::move(connection.opening);
}

}  // namespace dam::simulation

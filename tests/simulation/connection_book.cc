// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/connection_book.h"

#include <cstdlib>

#include "tests/simulation/http_requests_plan.h"
#include "tests/simulation/site.h"
#include "tests/unit/engine/hello_builder.h"

namespace dam::simulation {

namespace {

using namespace test;  // operator+

constexpr size_t kRandomAt = 5 + 4 + 2;  // record, handshake message, version

std::string server_name_for(const Connection& connection, Random& random) {
  if (connection.kind == Kind::manage)
    return random.chance(0.2) ? "MANAGE.example.org." : "manage.example.org";
  if (connection.kind == Kind::api)
    return "v" + std::to_string(random.below(100)) + ".api.example.org";
  return random.chance(0.1) ? "WWW.Example.Org" : "www.example.org";
}

// RFC 8446 4.1.2; the identity stands first in `random`.
Bytes make_hello(const Connection& connection, Random& random) {
  Bytes noise(28);
  for (uint8_t& octet : noise) octet = static_cast<uint8_t>(random.next());
  Bytes extensions = test::server_name(server_name_for(connection, random));
  if (random.chance(0.7)) extensions = extensions + test::alpn({"h2", "http/1.1"});
  if (random.chance(0.5)) extensions = extensions + test::key_share(random.between(32, 1300));
  if (random.chance(0.1)) extensions = extensions + test::extension(21, Bytes(random.below(9000)));
  const Bytes body = test::number(0x0303, 2) + test::number(connection.id, 4) + noise +
                     test::sized(1, Bytes(32, 0x77)) + test::sized(2, test::number(0x13011302, 4)) +
                     test::sized(1, Bytes{0}) + test::sized(2, extensions);
  const Bytes message = test::message(body);
  if (random.chance(0.2)) return test::records_of(message, random.between(32, 600));
  return test::record(message);
}

}  // namespace

Bytes make_opening(Connection& connection, Random& random) {
  if (connection.kind == Kind::raw) return Bytes{'I'} + test::number(connection.id, 4);
  if (connection.kind == Kind::http) return make_http_opening(connection, random);
  return make_hello(connection, random);
}

std::optional<uint32_t> ConnectionBook::who_waits(const dam_address& client, uint16_t port) const {
  for (auto c = connections_.rbegin(); c != connections_.rend(); ++c) {
    const dam_address its = client_address(c->client, c->family);
    const bool alone = c->follows == nullptr && !c->followed;
    const bool waits = alone && c->at_client != nullptr && !c->reached && !c->over;
    if (waits && c->client_port == port && dam_address_equal(&its, &client)) return c->id;
  }
  return std::nullopt;
}

std::optional<uint32_t> identity_of(std::span<const uint8_t> octets) {
  if (octets.size() < kRandomAt + 4) {
    if (octets.size() >= 5 && octets[0] == 'I') return load32(octets.data() + 1);
    return std::nullopt;
  }
  if (octets[0] == 0x16) return load32(octets.data() + kRandomAt);
  if (octets[0] == 'I') return load32(octets.data() + 1);
  if (octets[0] != 'G') return 0;
  const std::string digits(octets.begin() + 5, octets.begin() + 13);
  return static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
}

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/hello_bytes.h"

#include <initializer_list>
#include <stdexcept>

namespace dam::bench {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kLargeHello = 1400;  // from here on the key share is a post-quantum one
constexpr uint16_t kX25519 = 0x001d, kX25519MlKem768 = 0x11ec;

void add16(Bytes& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void add(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes with_length16(const Bytes& body) {
  Bytes out;
  add16(out, body.size());
  add(out, body);
  return out;
}

void add_extension(Bytes& out, uint16_t type, const Bytes& body) {
  add16(out, type);
  add(out, with_length16(body));
}

Bytes words(std::initializer_list<uint16_t> values) {
  Bytes out;
  for (uint16_t value : values) add16(out, value);
  return out;
}

Bytes server_name_list(std::string_view name) {
  Bytes entry{0};  // host_name
  add(entry, with_length16(Bytes(name.begin(), name.end())));
  return with_length16(entry);
}

Bytes alpn_list() {
  Bytes names;
  for (std::string_view name : {"h2", "http/1.1"}) {
    names.push_back(static_cast<uint8_t>(name.size()));
    names.insert(names.end(), name.begin(), name.end());
  }
  return with_length16(names);
}

Bytes key_shares(bool post_quantum) {
  Bytes shares;
  if (post_quantum) {
    add16(shares, kX25519MlKem768);
    add(shares, with_length16(Bytes(1216, 0x5a)));
  }
  add16(shares, kX25519);
  add(shares, with_length16(Bytes(32, 0xa5)));
  return with_length16(shares);
}

Bytes extensions(std::string_view server_name, bool post_quantum) {
  Bytes out;
  add_extension(out, 23, {});  // extended_master_secret
  add_extension(out, 10, with_length16(words({kX25519MlKem768, kX25519, 0x0017, 0x0018})));
  add_extension(out, 13, with_length16(words({0x0403, 0x0804, 0x0401, 0x0503, 0x0805})));
  add_extension(out, 51, key_shares(post_quantum));
  add_extension(out, 43, {4, 3, 4, 3, 3});  // supported_versions: 1.3, 1.2
  add_extension(out, 45, {1, 1});           // psk_key_exchange_modes
  add_extension(out, 0, server_name_list(server_name));
  add_extension(out, 16, alpn_list());
  return out;
}

// Everything in front of the extensions.
Bytes fixed_part() {
  Bytes out{3, 3};
  out.insert(out.end(), 32, 0x11);  // random
  out.push_back(32);
  out.insert(out.end(), 32, 0x22);  // legacy_session_id
  add(out, with_length16(words({0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030})));
  out.insert(out.end(), {1, 0});  // no compression
  return out;
}

}  // namespace

std::vector<uint8_t> client_hello(std::string_view server_name, uint32_t record_bytes) {
  Bytes extension_bytes = extensions(server_name, record_bytes >= kLargeHello);
  Bytes body = fixed_part();
  const size_t before_padding = 5 + 4 + body.size() + 2 + extension_bytes.size();
  if (record_bytes < before_padding + 4) throw std::invalid_argument("no hello is that short");
  add_extension(extension_bytes, 21, Bytes(record_bytes - before_padding - 4, 0));
  add(body, with_length16(extension_bytes));
  Bytes out{22, 3, 1};
  add16(out, body.size() + 4);
  out.insert(out.end(), {1, 0});  // client_hello, and the high byte of its length
  add16(out, body.size());
  add(out, body);
  return out;
}

}  // namespace dam::bench

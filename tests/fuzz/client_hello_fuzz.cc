// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a client's first: no read outside them, the same answer however records cut the
// hello, none before it is whole, and never another name than the one that OpenSSL's server reads;
// and a fingerprint of each that is whole.
#include "dataplane/engine/client_hello.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/host_name.h"
#include "dataplane/engine/ja4.h"
#include "dataplane/ipc/ja4_pattern.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

constexpr uint32_t kMaxBytes = 16384;  // as limits.hello has it, if nothing is said
constexpr size_t kRecordHeader = 5;

using Bytes = std::vector<uint8_t>;

struct Parsed {
  HelloStatus status{};
  uint32_t wire_bytes = 0, need_bytes = 0;
  std::string name, alpn, ja4;
};

// What is remembered of other hellos changes nothing; and its text is read again.
std::string ja4_of(const ClientHello& hello) {
  static Ja4Maker maker({0x243f6a8885a308d3, 0x13198a2e03707344});
  const Ja4 ja4 = maker.make(hello);
  check(ja4.known() && ja4 == Ja4Maker({0xa4093822299f31d0, 0x082efa98ec4e6c89}).make(hello),
        "memory changes no fingerprint");
  const auto read = Ja4Pattern::parse(ja4.text());
  check(read && read->whole() && read->wanted == ja4, "a fingerprint's text is read again");
  check(is_ja4_pattern(ja4.text()), "the policy may name it");
  return ja4.text();
}

Parsed parse(std::span<const uint8_t> bytes) {
  const Bytes exact(bytes.begin(), bytes.end());  // ASan guards both its ends
  Bytes scratch(hello_scratch_bytes(kMaxBytes));
  ClientHello hello;
  Parsed result;
  result.status = parse_client_hello(exact, scratch, kMaxBytes, hello);
  result.wire_bytes = hello.wire_bytes;
  result.need_bytes = hello.need_bytes;
  result.name = hello.server_name;
  result.alpn = hello.alpn_wire;
  if (result.status == HelloStatus::complete) result.ja4 = ja4_of(hello);
  return result;
}

void check_prefix(std::span<const uint8_t> bytes, const Parsed& whole, size_t length) {
  const Parsed part = parse(bytes.first(length));
  check(part.status == HelloStatus::incomplete, "a part of a hello is incomplete");
  check(part.need_bytes > length && part.need_bytes <= whole.wire_bytes, "need_bytes is a bound");
}

// The hello's handshake message in two records, cut at `cut`.
Bytes cut_again(std::span<const uint8_t> wire, size_t cut) {
  Bytes message, out;
  for (size_t at = 0; at < wire.size();) {
    const size_t bytes = dam_load_be16(&wire[at + 3]);
    message.insert(message.end(), &wire[at + kRecordHeader], &wire[at + kRecordHeader] + bytes);
    at += kRecordHeader + bytes;
  }
  cut = 1 + cut % (message.size() - 1);
  const auto add = [&](size_t first, size_t last) {
    const size_t bytes = last - first;
    for (const size_t byte : {size_t{22}, size_t{3}, size_t{1}, bytes >> 8, bytes & 0xff}) {
      out.push_back(static_cast<uint8_t>(byte));
    }
    out.insert(out.end(), message.begin() + first, message.begin() + last);
  };
  add(0, cut);
  add(cut, message.size());
  return out;
}

int note_name(SSL* ssl, int*, void* arg) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  *static_cast<std::optional<std::string>*>(arg) = name != nullptr ? name : "";
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The name that an OpenSSL server reads ("": none); nothing if it never gets to reading names.
std::optional<std::string> name_of_openssl(std::span<const uint8_t> bytes) {
  static SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  std::optional<std::string> name;
  SSL_CTX_set_tlsext_servername_callback(context, note_name);
  SSL_CTX_set_tlsext_servername_arg(context, &name);
  SSL* ssl = SSL_new(context);
  BIO* in = BIO_new(BIO_s_mem());
  BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
  SSL_accept(ssl);
  SSL_free(ssl);
  return name;
}

void check_against_openssl(std::span<const uint8_t> bytes, const Parsed& parsed) {
  const std::optional<std::string> seen = name_of_openssl(bytes);
  if (!seen) return;
  uint8_t room[kNameBytes];
  std::string_view expected;
  if (!seen->empty()) {
    check(normalise_host_name(*seen, room, expected), "a name that was read is a host name");
  }
  check(parsed.name == expected, "the dam and the server read the same name");
}

void check_complete(std::span<const uint8_t> bytes, const Parsed& parsed) {
  const size_t length = parsed.wire_bytes;
  check(length <= bytes.size() && length <= kMaxBytes, "the hello lies in the bytes");
  const size_t seed = length * 2654435761u + bytes[length - 1];
  for (const size_t at : {size_t{0}, size_t{6}, length - 1, seed % length}) {
    check_prefix(bytes, parsed, at);
  }
  const Parsed again = parse(cut_again(bytes.first(length), seed));
  if (again.status == HelloStatus::too_long) return;
  check(again.status == HelloStatus::complete && again.name == parsed.name &&
            again.alpn == parsed.alpn && again.ja4 == parsed.ja4,
        "records do not matter");
  check_against_openssl(bytes.first(length), parsed);
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  const std::span<const uint8_t> bytes(data, size);
  const Parsed parsed = parse(bytes);
  if (parsed.status == dam::HelloStatus::complete) {
    check_complete(bytes, parsed);
  } else {
    check(parsed.name.empty() && parsed.alpn.empty(), "what is not whole says nothing");
  }
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/client_hello.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/unit/engine/hello_builder.h"
#include "tests/unit/engine/hello_status.h"

namespace dam::test {
namespace {

// Copies the input to memory of exactly its size, so that ASan sees the first byte read too far.
struct Parsed {
  HelloStatus status;
  ClientHello hello;
  Bytes input, scratch;
};
Parsed parse(const Bytes& bytes, uint32_t max_bytes = kMaxHelloBytes) {
  Parsed result{{}, {}, Bytes(bytes.begin(), bytes.end()), Bytes(hello_scratch_bytes(max_bytes))};
  result.input.shrink_to_fit();
  result.status = parse_client_hello(result.input, result.scratch, max_bytes, result.hello);
  return result;
}

std::string wire(const std::vector<std::string_view>& names) {
  const Bytes list = alpn_names(names);
  return {list.begin(), list.end()};
}

Bytes usual_message() {
  return message_with(server_name("www.example.org") + key_share(32) + alpn({"h2", "http/1.1"}));
}

struct NameRow {
  const char* sentence;
  std::string given;
  HelloStatus status;
  std::string expected;
};

const std::string kLabel63(63, 'a');

const NameRow kNames[] = {
    {"a plain name", "www.example.org", HelloStatus::complete, "www.example.org"},
    {"upper case is the same name", "WWW.Example.ORG", HelloStatus::complete, "www.example.org"},
    {"a trailing dot is dropped", "www.example.org.", HelloStatus::complete, "www.example.org"},
    {"one label", "localhost", HelloStatus::complete, "localhost"},
    {"an underscore", "_dmarc.a_b.example", HelloStatus::complete, "_dmarc.a_b.example"},
    {"punycode", "xn--bcher-kva.example", HelloStatus::complete, "xn--bcher-kva.example"},
    {"digits in the last label, not only", "a.1b", HelloStatus::complete, "a.1b"},
    {"a label of 63", kLabel63 + ".org", HelloStatus::complete, kLabel63 + ".org"},
    {"a label of 64", kLabel63 + "a.org", HelloStatus::malformed, ""},
    {"two trailing dots", "www.example.org..", HelloStatus::malformed, ""},
    {"a leading dot", ".example.org", HelloStatus::malformed, ""},
    {"an empty label", "a..b", HelloStatus::malformed, ""},
    {"a dot alone", ".", HelloStatus::malformed, ""},
    {"an empty name", "", HelloStatus::malformed, ""},
    {"a wildcard", "*.example.org", HelloStatus::malformed, ""},
    {"a blank", "a b", HelloStatus::malformed, ""},
    {"a NUL behind the name", std::string("a.org\0", 6), HelloStatus::malformed, ""},
    {"UTF-8",
     "b\xc3\xbc"
     "cher.example",
     HelloStatus::malformed, ""},
    {"a slash", "a/b", HelloStatus::malformed, ""},
    {"a port", "a.org:443", HelloStatus::malformed, ""},
    {"an IPv4 literal", "198.51.100.7", HelloStatus::malformed, ""},
    {"an IPv4 literal with a dot", "198.51.100.7.", HelloStatus::malformed, ""},
    {"an IPv6 literal", "2001:db8::1", HelloStatus::malformed, ""},
    {"253 bytes", std::string(61, 'a') + "." + kLabel63 + "." + kLabel63 + "." + kLabel63,
     HelloStatus::complete,
     std::string(61, 'a') + "." + kLabel63 + "." + kLabel63 + "." + kLabel63},
    {"254 bytes", std::string(62, 'a') + "." + kLabel63 + "." + kLabel63 + "." + kLabel63,
     HelloStatus::malformed, ""},
};

TEST(ClientHello, ReadsEachServerNameAsRfc6066Says) {
  for (const NameRow& row : kNames) {
    const Parsed parsed = parse(record(message_with(server_name(row.given))));
    EXPECT_EQ(parsed.status, row.status) << row.sentence;
    EXPECT_EQ(parsed.hello.server_name, row.expected) << row.sentence;
  }
}

struct HelloRow {
  const char* sentence;
  Bytes bytes;
  HelloStatus status;
};

Bytes extensions_of(const Bytes& extensions) { return record(message_with(extensions)); }
Bytes sni_data(const Bytes& data) { return extensions_of(extension(0, data)); }
Bytes alpn_data(const Bytes& data) { return extensions_of(extension(16, data)); }
Bytes with_opening(const Opening& o) { return record(message(opening(o) + sized(2, {}))); }

const HelloRow kRows[] = {
    {"no extensions field at all (RFC 5246)", record(message(opening())), HelloStatus::complete},
    {"an empty extensions field", extensions_of({}), HelloStatus::complete},
    {"no session id", with_opening({.session_id = {}}), HelloStatus::complete},
    {"a TLS 1.0 hello", with_opening({.version = 0x0301}), HelloStatus::complete},
    {"unknown extensions, one twice above 63",
     extensions_of(extension(0x0a0a, {}) + extension(0x0a0a, {1})), HelloStatus::complete},
    {"0-RTT records behind it", record(usual_message()) + Bytes{23, 3, 3, 0, 1, 9},
     HelloStatus::complete},
    {"a session id of 33", with_opening({.session_id = Bytes(33)}), HelloStatus::malformed},
    {"no cipher suites", with_opening({.cipher_suites = {}}), HelloStatus::malformed},
    {"half a cipher suite", with_opening({.cipher_suites = Bytes(3)}), HelloStatus::malformed},
    {"no compression method", with_opening({.compression = {}}), HelloStatus::malformed},
    {"another major version", with_opening({.version = 0x0203}), HelloStatus::malformed},
    {"bytes behind the extensions", record(message(opening() + sized(2, {}) + Bytes{0})),
     HelloStatus::malformed},
    {"extensions longer than the hello", record(message(opening() + number(1, 2))),
     HelloStatus::malformed},
    {"half an extension header", extensions_of({0, 0, 0}), HelloStatus::malformed},
    {"an extension longer than its block", extensions_of({0, 9, 0, 5, 1}), HelloStatus::malformed},
    {"server_name twice", extensions_of(server_name("a.org") + server_name("b.org")),
     HelloStatus::malformed},
    {"ALPN twice", extensions_of(alpn({"h2"}) + alpn({"h2"})), HelloStatus::malformed},
    {"two host names", sni_data(sized(2, Bytes{0, 0, 1, 'a', 0, 0, 1, 'b'})),
     HelloStatus::malformed},
    {"another name type", sni_data(sized(2, Bytes{1, 0, 1, 'a'})), HelloStatus::malformed},
    {"an empty server_name (the server's form)", sni_data({}), HelloStatus::malformed},
    {"an empty name list", sni_data({0, 0}), HelloStatus::malformed},
    {"a name longer than its list", sni_data({0, 4, 0, 0, 2, 'a'}), HelloStatus::malformed},
    {"bytes behind the name list", sni_data({0, 4, 0, 0, 1, 'a', 0}), HelloStatus::malformed},
    {"an empty ALPN list", alpn_data({0, 0}), HelloStatus::malformed},
    {"an empty protocol name", alpn_data({0, 4, 2, 'h', '2', 0}), HelloStatus::malformed},
    {"a protocol longer than its list", alpn_data({0, 3, 3, 'h', '2'}), HelloStatus::malformed},
    {"bytes behind the ALPN list", alpn_data({0, 3, 2, 'h', '2', 0}), HelloStatus::malformed},
    {"an empty hello", record(message({})), HelloStatus::malformed},
    {"nothing yet", {}, HelloStatus::incomplete},
    {"one byte", {22}, HelloStatus::incomplete},
    {"plain HTTP", text("G"), HelloStatus::malformed},
    {"an alert", {21}, HelloStatus::malformed},
    {"SSL 2", {0x80, 0x2e, 1, 3, 1}, HelloStatus::malformed},
    {"record version 2.x", {22, 2}, HelloStatus::malformed},
    {"an empty record", {22, 3, 1, 0, 0}, HelloStatus::malformed},
    {"an empty record in the middle", record({1, 0}) + Bytes{22, 3, 1, 0, 0},
     HelloStatus::malformed},
    {"a record of 2^14 + 1", {22, 3, 1, 0x40, 1}, HelloStatus::malformed},
    {"a ServerHello", {22, 3, 1, 0, 90, 2}, HelloStatus::malformed},
    {"an alert between its records", record({1, 0, 0, 50}) + Bytes{21}, HelloStatus::malformed},
    {"a second message in its record", record(usual_message() + Bytes{1}), HelloStatus::malformed},
    {"a hello that says 2^24 - 1", record({1, 0xff, 0xff, 0xff}), HelloStatus::too_long},
};

TEST(ClientHello, AnswersEachFormAsTheRfcsSay) {
  for (const HelloRow& row : kRows) EXPECT_EQ(parse(row.bytes).status, row.status) << row.sentence;
}

TEST(ClientHello, GivesNameAlpnVersionAndLength) {
  const Bytes bytes = record(usual_message());
  const Parsed parsed = parse(bytes);
  ASSERT_EQ(parsed.status, HelloStatus::complete);
  EXPECT_EQ(parsed.hello.server_name, "www.example.org");
  EXPECT_EQ(parsed.hello.alpn_wire, wire({"h2", "http/1.1"}));
  EXPECT_EQ(parsed.hello.legacy_version, 0x0303);
  EXPECT_EQ(parsed.hello.wire_bytes, bytes.size());
  EXPECT_FALSE(parsed.hello.has_ech);
}

Bytes supported_versions(const std::vector<uint16_t>& versions) {
  Bytes list;
  for (const uint16_t version : versions) list = list + number(version, 2);
  return extension(43, sized(1, list));
}

TEST(ClientHello, GivesTheHighestVersionThatIsOffered) {
  const auto best = [](const Bytes& extensions, uint16_t legacy = 0x0303) {
    Opening fields;
    fields.version = legacy;
    const Bytes body = opening(fields) + sized(2, extensions);
    Bytes scratch(kMaxHelloBytes + 1024);
    ClientHello hello;
    EXPECT_EQ(parse_client_hello(record(message(body)), scratch, kMaxHelloBytes, hello),
              HelloStatus::complete);
    return hello.best_version;
  };
  const Bytes name = server_name("www.example.org");
  EXPECT_EQ(best(name), DAM_TLS_tls1_2);
  EXPECT_EQ(best(name, 0x0301), DAM_TLS_tls1_0);
  EXPECT_EQ(best(name, 0x0302), DAM_TLS_tls1_1);
  EXPECT_EQ(best(name + supported_versions({0x0304, 0x0303})), DAM_TLS_tls1_3);
  EXPECT_EQ(best(name + supported_versions({0xfafa, 0x0303, 0x0304})), DAM_TLS_tls1_3);
  EXPECT_EQ(best(name + supported_versions({0x0303, 0x0302})), DAM_TLS_tls1_2);
  EXPECT_EQ(best(name + supported_versions({0x0305, 0x0304})), DAM_TLS_other);
  EXPECT_EQ(best(name + supported_versions({0xdada})), DAM_TLS_other);
  EXPECT_EQ(best(name + extension(43, {3, 3, 4})), DAM_TLS_other);  // cut short, and passed on
}

TEST(ClientHello, NoticesEncryptedClientHelloAndGivesTheOuterName) {
  const Parsed parsed = parse(extensions_of(server_name("outer.example") + extension(0xfe0d, {0})));
  ASSERT_EQ(parsed.status, HelloStatus::complete);
  EXPECT_TRUE(parsed.hello.has_ech);
  EXPECT_EQ(parsed.hello.server_name, "outer.example");
}

TEST(ClientHello, ReadsTheSameFromTwoRecordsCutAnywhere) {
  const Bytes whole = usual_message();
  for (size_t cut = 1; cut < whole.size(); ++cut) {
    const Bytes bytes = split_records(whole, cut);
    const Parsed parsed = parse(bytes);
    ASSERT_EQ(parsed.status, HelloStatus::complete) << cut;
    ASSERT_EQ(parsed.hello.server_name, "www.example.org") << cut;
    ASSERT_EQ(parsed.hello.alpn_wire, wire({"h2", "http/1.1"})) << cut;
    ASSERT_EQ(parsed.hello.wire_bytes, bytes.size());
  }
}

TEST(ClientHello, ReadsTheSameFromRecordsOfEverySize) {
  const Bytes whole =
      message_with(key_share(1216) + server_name("www.example.org") + alpn({"http/1.1"}));
  for (size_t size = 1; size <= whole.size(); ++size) {
    const Parsed parsed = parse(records_of(whole, size));
    ASSERT_EQ(parsed.status, HelloStatus::complete) << size;
    ASSERT_EQ(parsed.hello.server_name, "www.example.org") << size;
    ASSERT_EQ(parsed.hello.alpn_wire, wire({"http/1.1"})) << size;
  }
}

TEST(ClientHello, IsIncompleteAtEveryTruncationAndNeverCompleteBeforeNeedBytes) {
  for (const size_t size : {1u, 7u, 100u, 4000u}) {
    const Bytes bytes = records_of(usual_message(), size);
    for (size_t length = 0; length < bytes.size(); ++length) {
      const Parsed parsed = parse(Bytes(bytes.begin(), bytes.begin() + length));
      ASSERT_EQ(parsed.status, HelloStatus::incomplete) << length;
      ASSERT_GT(parsed.hello.need_bytes, length);
      ASSERT_LE(parsed.hello.need_bytes, bytes.size());
      ASSERT_EQ(parsed.hello.server_name, "");
    }
  }
}

// How often a caller that waits for need_bytes asks, when bytes come one by one.
uint32_t calls_needed(const Bytes& bytes) {
  uint32_t calls = 0;
  for (size_t length = 1; length <= bytes.size();) {
    const Parsed parsed = parse(Bytes(bytes.begin(), bytes.begin() + length));
    ++calls;
    if (parsed.status != HelloStatus::incomplete) {
      EXPECT_EQ(parsed.status, HelloStatus::complete);
      return calls;
    }
    length = parsed.hello.need_bytes;
  }
  ADD_FAILURE() << "never complete";
  return calls;
}

TEST(ClientHello, IsAskedSeldomThoughBytesComeOneByOne) {
  EXPECT_LE(calls_needed(record(usual_message())), 3u);
  const Bytes worst = records_of(message_with(key_share(2400)), 1);  // six bytes a byte
  EXPECT_LE(calls_needed(worst), 64u);
}

TEST(ClientHello, IsTooLongAsSoonAsItsLengthTells) {
  const Bytes bytes = record(message_with(key_share(1216)));
  const auto max_bytes = static_cast<uint32_t>(bytes.size());
  EXPECT_EQ(parse(bytes, max_bytes).status, HelloStatus::complete);
  EXPECT_EQ(parse(bytes, max_bytes - 1).status, HelloStatus::too_long);
  const Bytes start(bytes.begin(), bytes.begin() + 9);
  EXPECT_EQ(parse(start, max_bytes).status, HelloStatus::incomplete);
  EXPECT_EQ(parse(start, max_bytes - 1).status, HelloStatus::too_long);
  EXPECT_EQ(parse(split_records(message_with(key_share(1216)), 50), max_bytes).status,
            HelloStatus::too_long);
}

TEST(ClientHello, RefusesToUnwrapIntoScratchThatIsTooSmall) {
  const Bytes bytes = split_records(usual_message(), 40);
  ClientHello hello;
  Bytes scratch(kNameBytes + 20);
  EXPECT_EQ(parse_client_hello(bytes, scratch, kMaxHelloBytes, hello), HelloStatus::too_long);
}

// One flipped byte may change the name's letters, but a complete hello's name is always a host
// name.
TEST(ClientHello, SurvivesEveryByteWithEveryBitFlipped) {
  const Bytes bytes = split_records(usual_message(), 60);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = bytes;
      flipped[i] = static_cast<uint8_t>(flipped[i] ^ 1 << bit);
      const Parsed parsed = parse(flipped);
      EXPECT_EQ(
          parsed.hello.server_name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_."),
          std::string_view::npos);
      EXPECT_TRUE(parsed.status == HelloStatus::complete || parsed.hello.server_name.empty());
    }
  }
}

}  // namespace
}  // namespace dam::test

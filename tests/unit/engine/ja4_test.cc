// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/ja4.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <set>
#include <string>

#include "dataplane/engine/sha256.h"
#include "dataplane/ipc/ja4_pattern.h"
#include "tests/unit/engine/hello_builder.h"
#include "tests/unit/engine/published_ja4.h"

namespace dam::test {
namespace {

using Numbers = std::vector<uint16_t>;
// Random, as it must be.
constexpr std::array<uint64_t, 2> kSecret = {0x243f6a8885a308d3, 0x13198a2e03707344};

std::string hex(std::span<const uint8_t> octets) {
  std::string text;
  for (const uint8_t octet : octets) {
    for (const int digit : {octet >> 4, octet & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

Bytes unhex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, bytes[i], 16);
  }
  return bytes;
}

// With a maker of its own, or with `maker`.
std::string ja4_of(const Bytes& bytes, Ja4Maker* maker = nullptr) {
  Bytes scratch(hello_scratch_bytes(kMaxHelloBytes));
  ClientHello hello;
  EXPECT_EQ(parse_client_hello(bytes, scratch, kMaxHelloBytes, hello), HelloStatus::complete);
  Ja4Maker once(kSecret);
  return (maker != nullptr ? maker : &once)->make(hello).text();
}

Bytes all(const Numbers& numbers) {
  Bytes bytes;
  for (const uint16_t number : numbers) bytes = bytes + test::number(number, 2);
  return bytes;
}
Bytes signatures(const Numbers& numbers) { return extension(13, sized(2, all(numbers))); }
Bytes hello_with(const Numbers& ciphers, const Bytes& extensions) {
  return record(message(opening({.cipher_suites = all(ciphers)}) + sized(2, extensions)));
}

TEST(Ja4, IsWhatIsPublishedWithTheTestCaptures) {
  for (const PublishedJa4& row : kPublishedJa4) {
    EXPECT_EQ(ja4_of(unhex(row.hello)), row.ja4) << row.capture;
  }
}

// The document's own example, in its order.
TEST(Ja4, IsWhatTheDocumentSaysOfItsExample) {
  const Numbers ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                           0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  Bytes extensions;
  constexpr uint16_t kTypes[] = {0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                                 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
  for (const uint16_t type : kTypes) {
    if (type == 0) {
      extensions = extensions + server_name("example.org");
    } else if (type == 0x10) {
      extensions = extensions + alpn({"h2", "http/1.1"});
    } else if (type == 0x2b) {
      extensions = extensions + extension(type, sized(1, all({0x0303, 0x0304})));
    } else if (type == 0x0d) {
      extensions =
          extensions + signatures({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601});
    } else {
      extensions = extensions + extension(type, {});
    }
  }
  EXPECT_EQ(ja4_of(hello_with(ciphers, extensions)), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

struct AlpnRow {
  std::string name;
  const char* shown;
};

TEST(Ja4, ShowsTheFirstProtocolByItsEnds) {
  const AlpnRow rows[] = {{"h2", "h2"},
                          {"http/1.1", "h1"},
                          {"x", "xx"},
                          {"\xab", "ab"},
                          {"\x20", "20"},
                          {"\xab\xcd", "ad"},
                          {"\x20\x61", "21"},
                          {"\x30\xab", "3b"},
                          {"\x61\x20", "60"},
                          {"\x30\x31\xab\xcd", "3d"},
                          {"\x30\xab\xcd\x31", "01"}};
  for (const AlpnRow& row : rows) {
    const std::string ja4 = ja4_of(hello_with({0x1301}, alpn({row.name, "http/1.1"})));
    EXPECT_EQ(ja4.substr(8, 2), row.shown);
  }
  EXPECT_EQ(ja4_of(hello_with({0x1301}, {})).substr(8, 2), "00");
}

TEST(Ja4, HasNoDigestOfNothing) {
  EXPECT_EQ(ja4_of(hello_with({0x0a0a}, extension(0x1a1a, {}))),
            "t12i000000_000000000000_000000000000");
  EXPECT_EQ(ja4_of(record(message(opening({.version = 0x0300, .cipher_suites = all({5})})))),
            "ts3i010000_" +
                hex(Bytes(SHA256(text("0005").data(), 4, nullptr),
                          SHA256(text("0005").data(), 4, nullptr) + 6)) +
                "_000000000000");
}

TEST(Ja4, ListsThatAreLongerThanItCountsAreNotHashed) {
  Numbers many(Ja4Maker::kMostListed);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<uint16_t>(0x100 + i);
  EXPECT_EQ(ja4_of(hello_with(many, {})).substr(4, 2), "99");
  EXPECT_NE(ja4_of(hello_with(many, {})).substr(11, 12), "ffffffffffff");
  many.push_back(0x300);
  EXPECT_EQ(ja4_of(hello_with(many, {})), "t12i990000_ffffffffffff_000000000000");
  EXPECT_EQ(ja4_of(hello_with({5}, signatures(many))).substr(24), "ffffffffffff");
}

// Chrome writes its extensions in another order each time, and another GREASE.
TEST(Ja4, RemembersHellosThatSayTheSame) {
  Ja4Maker maker(kSecret);
  std::mt19937 random(7);
  std::vector<Bytes> extensions = {server_name("example.org"), alpn({"h2"}),
                                   extension(5, {1}),          extension(10, {}),
                                   extension(0x44cd, {}),      signatures({4, 3})};
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    std::shuffle(extensions.begin(), extensions.end(), random);
    const auto grease = static_cast<uint16_t>(0x0a0a + 0x1010 * (i % 16));
    Bytes written = extension(grease, {});
    for (const Bytes& one : extensions) written = written + one;
    made.insert(ja4_of(hello_with({grease, 0x1301, 0xc02b}, written), &maker));
  }
  EXPECT_EQ(made.size(), 1u);
  EXPECT_EQ(maker.hashed(), 1u);
  made.insert(ja4_of(hello_with({0x1301, 0xc02b}, signatures({3, 4})), &maker));
  made.insert(ja4_of(hello_with({0x1301, 0xc02b}, signatures({4, 3})), &maker));
  EXPECT_EQ(made.size(), 3u);
  EXPECT_EQ(maker.hashed(), 3u);
}

// The document's words once more, without memory and without bounds.
std::string as_the_document_says(const Numbers& ciphers, const Numbers& types,
                                 const Numbers& algorithms) {
  const auto joined = [](const Numbers& numbers) {
    std::string text;
    for (const uint16_t number : numbers) text += (text.empty() ? "" : ",") + hex(all({number}));
    return text;
  };
  const auto sorted = [](Numbers numbers) {
    std::erase_if(numbers, [](uint16_t n) { return is_grease(n); });
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  };
  const auto digest = [](const std::string& said) {
    const Bytes bytes = text(said);
    return hex({SHA256(bytes.data(), bytes.size(), nullptr), 6});
  };
  const auto two = [](size_t count) { return (count < 10 ? "0" : "") + std::to_string(count); };
  const Numbers kept_ciphers = sorted(ciphers), kept_types = sorted(types);
  const std::string end = algorithms.empty() ? "" : "_" + joined(algorithms);
  return "t12i" + two(kept_ciphers.size()) + two(kept_types.size()) + "00_" +
         digest(joined(kept_ciphers)) + "_" + digest(joined(kept_types) + end);
}

TEST(Ja4, IsWhatTheDocumentSaysOfAnyHello) {
  std::mt19937 random(11);
  Ja4Maker maker(kSecret);
  for (int round = 0; round < 2000; ++round) {
    Numbers ciphers(1 + random() % 40), algorithms(random() % 20), types;
    for (uint16_t& cipher : ciphers) cipher = static_cast<uint16_t>(random() % 0x1400);
    ciphers[0] = 0x1301;
    for (uint16_t& algorithm : algorithms) algorithm = static_cast<uint16_t>(random() % 0x0900);
    std::erase_if(algorithms, [](uint16_t n) { return is_grease(n); });
    Bytes extensions = extension(1, {});
    types.push_back(1);
    for (auto i = random() % 30; i > 0; --i) {
      const auto type = static_cast<uint16_t>(64 + random() % 0x4000);
      types.push_back(type);
      extensions = extensions + extension(type, Bytes(random() % 5));
    }
    if (!algorithms.empty()) {
      types.push_back(13);
      extensions = extensions + signatures(algorithms);
    }
    const Bytes bytes = hello_with(ciphers, extensions);
    const std::string right = as_the_document_says(ciphers, types, algorithms);
    ASSERT_EQ(ja4_of(bytes, &maker), right);
    ASSERT_EQ(ja4_of(bytes, &maker), right);  // from memory
  }
}

TEST(Ja4, ReadsItsOwnText) {
  for (const PublishedJa4& row : kPublishedJa4) {
    const auto read = Ja4Pattern::parse(row.ja4);
    ASSERT_TRUE(read && read->whole());
    EXPECT_EQ(read->wanted.text(), row.ja4);
  }
  EXPECT_EQ(Ja4{}.text(), "");
}

struct PatternRow {
  const char* text;
  bool good;
};
constexpr PatternRow kPatterns[] = {
    {"t13d1516h2_8daaf6152771_e5627efa2ab1", true},
    {"*_8daaf6152771_e5627efa2ab1", true},
    {"t13d1516h2_*_e5627efa2ab1", true},
    {"t13d1516h2_8daaf6152771_*", true},
    {"*_*_*", true},
    {"ts3i0100zZ_000000000000_ffffffffffff", true},
    {"t00i000000_000000000000_000000000000", true},
    {"", false},
    {"*", false},
    {"_", false},
    {"__", false},
    {"*_*", false},
    {"*_*_*_*", false},
    {"t13d1516h2", false},
    {"q13d1516h2_8daaf6152771_e5627efa2ab1", false},
    {"t14d1516h2_8daaf6152771_e5627efa2ab1", false},
    {"t1:d1516h2_8daaf6152771_e5627efa2ab1", false},
    {"t13x1516h2_8daaf6152771_e5627efa2ab1", false},
    {"t13d1x16h2_8daaf6152771_e5627efa2ab1", false},
    {"t13d15 6h2_8daaf6152771_e5627efa2ab1", false},
    {"t13d1516h-_8daaf6152771_e5627efa2ab1", false},
    {"t13d1516h2_8daaf615277_e5627efa2ab1", false},
    {"t13d1516h2_8daaf61527711_e5627efa2ab1", false},
    {"t13d1516h2_8DAAF6152771_e5627efa2ab1", false},
    {"t13d1516h2_8daaf615277g_e5627efa2ab1", false},
    {"t13d1516h2_8daaf6152771-e5627efa2ab1", false},
};

// Both planes read the policy: what the one lets through the other one takes.
TEST(Ja4, PatternsAreReadAsBothPlanesSay) {
  for (const PatternRow& row : kPatterns) {
    EXPECT_EQ(Ja4Pattern::parse(row.text).has_value(), row.good) << row.text;
    EXPECT_EQ(is_ja4_pattern(row.text), row.good) << row.text;
  }
  std::mt19937 random(17);
  const std::string whole = kPublishedJa4[0].ja4, letters = "t1d0a_*gZ :";
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (auto i = random() % 3; i <= 2; ++i)
      text[random() % text.size()] = letters[random() % letters.size()];
    if (random() % 4 == 0) text.resize(random() % text.size());
    ASSERT_EQ(Ja4Pattern::parse(text).has_value(), is_ja4_pattern(text)) << text;
  }
}

TEST(Ja4, PatternsMatchByTheirParts) {
  const Ja4 ja4 = Ja4Pattern::parse("t13d1516h2_8daaf6152771_e5627efa2ab1")->wanted;
  const auto matches = [&](const char* text) { return Ja4Pattern::parse(text)->matches(ja4); };
  EXPECT_TRUE(matches("t13d1516h2_8daaf6152771_e5627efa2ab1"));
  EXPECT_TRUE(matches("*_8daaf6152771_*"));
  EXPECT_TRUE(matches("*_*_e5627efa2ab1"));
  EXPECT_TRUE(matches("t13d1516h2_*_*"));
  EXPECT_FALSE(matches("t13d1516h1_8daaf6152771_e5627efa2ab1"));
  EXPECT_FALSE(matches("*_8daaf6152772_*"));
  EXPECT_FALSE(matches("*_*_e5627efa2ab2"));
  EXPECT_FALSE(Ja4Pattern::parse("*_*_*")->matches(Ja4{}));
}

TEST(Sha256, IsOpenSsls) {
  std::mt19937 random(13);
  for (size_t bytes = 0; bytes < 300; ++bytes) {
    Bytes data(bytes);
    for (uint8_t& octet : data) octet = static_cast<uint8_t>(random());
    Sha256 sha;
    const size_t first = bytes == 0 ? 0 : random() % bytes;
    sha.add(std::span(data).first(first));
    sha.add(std::span(data).subspan(first));
    EXPECT_EQ(hex(sha.digest()), hex({SHA256(data.data(), bytes, nullptr), 32})) << bytes;
  }
}

}  // namespace
}  // namespace dam::test

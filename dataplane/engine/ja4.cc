// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/ja4.h"

#include <algorithm>

#include "dataplane/core/types.h"
#include "dataplane/engine/sha256.h"

namespace dam {
namespace {

using Bytes = std::span<const uint8_t>;
using Ja4Digest = std::array<uint8_t, 6>;

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kAlphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kAny = "*";

struct TlsVersion {
  uint32_t number;  // on the wire
  std::string_view text;
};
constexpr TlsVersion kJa4Versions[] = {{0, "00"},      {0x0300, "s3"}, {0x0301, "10"},
                                       {0x0302, "11"}, {0x0303, "12"}, {0x0304, "13"}};

// Of the numbers and letters that the first part has.
struct Open {
  uint32_t version = 0;  // in kJa4Versions
  bool named = false;
  uint32_t ciphers = 0, extensions = 0;
  uint32_t alpn[2] = {};  // in kAlphanumeric

  uint32_t packed() const {
    return 1u << 31 | version << 27 | (named ? 1u : 0u) << 26 | std::min(ciphers, 99u) << 19 |
           std::min(extensions, 99u) << 12 | alpn[0] << 6 | alpn[1];
  }
  static Open unpacked(uint32_t bits) {
    return {bits >> 27 & 7,
            (bits >> 26 & 1) != 0,
            bits >> 19 & 127,
            bits >> 12 & 127,
            {bits >> 6 & 63, bits & 63}};
  }
};

uint32_t version_rank(uint32_t number) {
  for (uint32_t i = 0; i < std::size(kJa4Versions); ++i) {
    if (kJa4Versions[i].number == number) return i;
  }
  return 0;
}

// In kAlphanumeric, or kNoRank.
constexpr uint32_t kNoRank = 64;
uint32_t rank_of(uint8_t octet) {
  if (octet >= '0' && octet <= '9') return octet - uint32_t{'0'};
  if (octet >= 'A' && octet <= 'Z') return octet - uint32_t{'A'} + 10;
  if (octet >= 'a' && octet <= 'z') return octet - uint32_t{'a'} + 36;
  return kNoRank;
}
uint32_t rank_of_digit(uint32_t digit) {
  return rank_of(static_cast<uint8_t>(kHexDigits[digit & 15]));
}

// The first name's first and last character; of hexadecimal digits if one of them is neither letter
// nor digit.
void show_alpn(std::string_view wire, uint32_t (&alpn)[2]) {
  const size_t bytes = wire.empty() ? 0 : static_cast<uint8_t>(wire.front());
  if (bytes == 0 || bytes >= wire.size()) return;
  const auto first = static_cast<uint8_t>(wire[1]), last = static_cast<uint8_t>(wire[bytes]);
  alpn[0] = rank_of(first);
  alpn[1] = rank_of(last);
  if (alpn[0] != kNoRank && alpn[1] != kNoRank) return;
  alpn[0] = rank_of_digit(first >> 4);
  alpn[1] = rank_of_digit(last);
}

// The numbers in hexadecimal, between commas, and before them what divides them from others.
void add_list(Sha256& sha, std::span<const uint16_t> numbers, char before) {
  std::array<uint8_t, 5 * Ja4Maker::kMostListed> text;
  size_t bytes = 0;
  for (const uint16_t number : numbers) {
    if (before != '\0') text[bytes++] = static_cast<uint8_t>(before);
    for (int shift = 12; shift >= 0; shift -= 4) {
      text[bytes++] = static_cast<uint8_t>(kHexDigits[number >> shift & 15]);
    }
    before = ',';
  }
  sha.add({text.data(), bytes});
}

Ja4Digest first_octets(Sha256& sha) {
  const std::array<uint8_t, 32> whole = sha.digest();
  Ja4Digest first;
  std::copy_n(whole.begin(), first.size(), first.begin());
  return first;
}

Ja4Digest filled_with(uint8_t octet) {
  Ja4Digest digest;
  digest.fill(octet);
  return digest;
}

// Two decimal digits.
bool read_count(std::string_view text, uint32_t& count) {
  const uint32_t tens = rank_of(static_cast<uint8_t>(text[0]));
  const uint32_t ones = rank_of(static_cast<uint8_t>(text[1]));
  count = 10 * tens + ones;
  return tens < 10 && ones < 10;
}

bool read_open(std::string_view text, uint32_t& packed) {
  if (text.size() != 10 || text[0] != 't' || (text[3] != 'd' && text[3] != 'i')) return false;
  Open open;
  const auto* version =
      std::find_if(std::begin(kJa4Versions), std::end(kJa4Versions),
                   [&](const TlsVersion& one) { return one.text == text.substr(1, 2); });
  open.version = static_cast<uint32_t>(version - std::begin(kJa4Versions));
  open.named = text[3] == 'd';
  for (size_t i = 0; i < 2; ++i) open.alpn[i] = rank_of(static_cast<uint8_t>(text[8 + i]));
  const bool good = version != std::end(kJa4Versions) && read_count(text.substr(4), open.ciphers) &&
                    read_count(text.substr(6), open.extensions) && open.alpn[0] != kNoRank &&
                    open.alpn[1] != kNoRank;
  if (good) packed = open.packed();
  return good;
}

bool read_digest(std::string_view text, Ja4Digest& digest, bool& any) {
  any = text == kAny;
  if (any) return true;
  if (text.size() != 2 * digest.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = kHexDigits.find(text[i]);
    if (digit == kHexDigits.npos) return false;
    digest[i / 2] = static_cast<uint8_t>(digest[i / 2] << 4 | digit);
  }
  return true;
}

}  // namespace

void Ja4Maker::add(Numbers& numbers, uint32_t number) {
  if (is_grease(number)) return;
  if (numbers.count < kMostListed) numbers.listed[numbers.count] = static_cast<uint16_t>(number);
  ++numbers.count;
}

// The hello's parser has checked what is read here.
void Ja4Maker::read(const ClientHello& hello, Lists& lists) {
  for (Bytes rest = hello.cipher_suites; rest.size() >= 2; rest = rest.subspan(2)) {
    add(lists.ciphers, dam_load_be16(rest.data()));
  }
  for (Bytes rest = hello.extensions; rest.size() >= 4;) {
    const uint32_t type = dam_load_be16(rest.data()), bytes = dam_load_be16(&rest[2]);
    rest = rest.subspan(std::min<size_t>(rest.size(), 4 + bytes));
    if (is_grease(type)) continue;
    ++lists.extensions_count;
    if (type != kServerNameExtension && type != kAlpnExtension) add(lists.extensions, type);
  }
  for (Bytes rest = hello.signature_algorithms; rest.size() >= 2; rest = rest.subspan(2)) {
    add(lists.signatures, dam_load_be16(rest.data()));
  }
}

uint64_t Ja4Maker::scatter(uint64_t word) const {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{word ^ secret_[0]} * (word ^ secret_[1]);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// The same for the same ciphers and extensions in any order, and the same signature algorithms in
// theirs. Keyed in each step: who could make two hellos meet would rename others' for as long as
// theirs is remembered.
uint64_t Ja4Maker::key_of(Lists& lists) const {
  uint64_t sum = scatter(lists.ciphers.count << 16 | lists.extensions.count << 32);
  for (const uint16_t cipher : lists.ciphers.span()) sum += scatter(cipher | 1u << 16);
  for (const uint16_t type : lists.extensions.span()) sum += scatter(type | 2u << 16);
  uint64_t row = lists.signatures.count;
  for (const uint16_t algorithm : lists.signatures.span()) {
    row = scatter(row ^ (algorithm | UINT64_C(3) << 16));
  }
  return scatter(sum ^ row) | 1;  // 0 stands for nothing
}

void Ja4Maker::digest(Lists& lists, Seen& to) {
  to.ciphers = filled_with(lists.ciphers.overlong() ? kNotHashed : 0);
  if (!lists.ciphers.overlong() && lists.ciphers.count != 0) {
    Sha256 sha;
    std::sort(lists.ciphers.span().begin(), lists.ciphers.span().end());
    add_list(sha, lists.ciphers.span(), '\0');
    to.ciphers = first_octets(sha);
  }
  const bool overlong = lists.extensions.overlong() || lists.signatures.overlong();
  to.extensions = filled_with(overlong ? kNotHashed : 0);
  if (!overlong && lists.extensions.count != 0) {
    Sha256 sha;
    std::sort(lists.extensions.span().begin(), lists.extensions.span().end());
    add_list(sha, lists.extensions.span(), '\0');
    add_list(sha, lists.signatures.span(), '_');
    to.extensions = first_octets(sha);
  }
}

Ja4 Ja4Maker::make(const ClientHello& hello) {
  Lists lists;
  read(hello, lists);
  Open open;
  open.version = version_rank(hello.best_number);
  open.named = !hello.server_name.empty();
  open.ciphers = static_cast<uint32_t>(lists.ciphers.count);
  open.extensions = static_cast<uint32_t>(lists.extensions_count);
  show_alpn(hello.alpn_wire, open.alpn);
  const bool overlong = lists.overlong();
  Seen once;
  const uint64_t key = overlong ? 0 : key_of(lists);
  Seen& seen = overlong ? once : seen_[key >> 8 & (kSeen - 1)];
  if (overlong || seen.key != key) {
    ++hashed_;
    digest(lists, seen);
    seen.key = key;
  }
  return {open.packed(), seen.ciphers, seen.extensions};
}

std::string Ja4::text() const {
  if (!known()) return {};
  const Open seen = Open::unpacked(open);
  const auto digits = [](uint32_t count) {
    return std::string{kHexDigits[count / 10 % 10], kHexDigits[count % 10]};
  };
  std::string text = "t" + std::string(kJa4Versions[seen.version % std::size(kJa4Versions)].text) +
                     (seen.named ? "d" : "i") + digits(seen.ciphers) + digits(seen.extensions);
  for (const uint32_t rank : seen.alpn) text += kAlphanumeric[rank % kAlphanumeric.size()];
  for (const Ja4Digest& digest : {ciphers, extensions}) {
    text += '_';
    for (const uint8_t octet : digest) {
      text += kHexDigits[octet >> 4];
      text += kHexDigits[octet & 15];
    }
  }
  return text;
}

std::optional<Ja4Pattern> Ja4Pattern::parse(std::string_view text) {
  Ja4Pattern read;
  const size_t first = text.find('_'), second = text.find('_', first + 1);
  if (first == text.npos || second == text.npos) return {};
  const std::string_view open = text.substr(0, first);
  read.any_open = open == kAny;
  const bool good = read.any_open || read_open(open, read.wanted.open);
  if (!good ||
      !read_digest(text.substr(first + 1, second - first - 1), read.wanted.ciphers,
                   read.any_ciphers) ||
      !read_digest(text.substr(second + 1), read.wanted.extensions, read.any_extensions)) {
    return {};
  }
  return read;
}

}  // namespace dam

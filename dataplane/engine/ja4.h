// SPDX-License-Identifier: BSD-3-Clause
// JA4, the fingerprint of a TLS client by its ClientHello: FoxIO's "JA4: TLS Client Fingerprinting"
// (technical_details/JA4.md of its repository; BSD-3-Clause, unlike the rest of JA4+).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/flow.h"
#include "dataplane/core/types.h"
#include "dataplane/engine/client_hello.h"

namespace dam {

// "t13d1516h2_8daaf6152771_e5627efa2ab1": the first part in bits, the others as octets; as many as
// an address has, so that a fingerprint may stand where a source's prefix does.
struct alignas(8) Ja4 {
  // Known 1 | version 3 | server name 1 | ciphers 7 | extensions 7 | ALPN twice 6. 0: unknown.
  uint32_t open = 0;
  std::array<uint8_t, 6> ciphers{};
  std::array<uint8_t, 6> extensions{};

  bool known() const { return open != 0; }
  std::string text() const;  // empty: unknown. Not for the packet path
  bool operator==(const Ja4&) const = default;
};
static_assert(sizeof(Ja4) == sizeof(dam_address) && sizeof(Ja4) == sizeof(dam_fingerprint));

// A fingerprint of which parts may be "*", which stands for any: "*_8daaf6152771_*".
struct Ja4Pattern {
  Ja4 wanted{};
  bool any_open = false, any_ciphers = false, any_extensions = false;

  static std::optional<Ja4Pattern> parse(std::string_view text);
  bool whole() const { return !any_open && !any_ciphers && !any_extensions; }
  bool matches(const Ja4& ja4) const {  // false of an unknown one
    return ja4.known() && (any_open || ja4.open == wanted.open) &&
           (any_ciphers || ja4.ciphers == wanted.ciphers) &&
           (any_extensions || ja4.extensions == wanted.extensions);
  }
};

inline bool is_one_of(const Ja4& ja4, const std::vector<Ja4Pattern>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const Ja4Pattern& pattern) { return pattern.matches(ja4); });
}

// Makes them, and remembers the digests of hellos like those that it has seen: clients are few
// kinds. One worker's; allocates nothing after it is made.
class Ja4Maker {
 public:
  // Lists that are longer than what JA4 can count are not hashed, and digest as kNotHashed.
  static constexpr size_t kMostListed = 99;
  static constexpr uint8_t kNotHashed = 0xff;  // each octet

  // `secret`: random; who knew it could rename others.
  explicit Ja4Maker(std::array<uint64_t, 2> secret) : secret_(secret), seen_(kSeen) {}
  Ja4 make(const ClientHello& hello);
  uint64_t hashed() const { return hashed_; }  // of all made, those that were not remembered

 private:
  static constexpr size_t kSeen = 256;

  struct Numbers {  // of a list, GREASE left out
    std::array<uint16_t, kMostListed> listed;
    size_t count = 0;  // may be more than fit
    bool overlong() const { return count > kMostListed; }
    std::span<uint16_t> span() { return std::span(listed).first(count); }
  };
  struct Lists {
    Numbers ciphers, extensions, signatures;
    size_t extensions_count = 0;  // with server_name and ALPN
    bool overlong() const {
      return ciphers.overlong() || extensions.overlong() || signatures.overlong();
    }
  };
  struct Seen {
    uint64_t key = 0;
    std::array<uint8_t, 6> ciphers, extensions;
  };

  static void add(Numbers& numbers, uint32_t number);
  static void read(const ClientHello& hello, Lists& lists);
  static void digest(Lists& lists, Seen& to);
  uint64_t key_of(Lists& lists) const;
  uint64_t scatter(uint64_t word) const;

  std::array<uint64_t, 2> secret_;
  std::vector<Seen> seen_;
  uint64_t hashed_ = 0;
};

}  // namespace dam

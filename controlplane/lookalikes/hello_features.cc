// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/hello_features.h"

#include <charconv>

#include "controlplane/lookalikes/features.h"

namespace dam::control {

namespace {

// "t13d1516h2_…": the places of its first part.
constexpr size_t kVersionPlace = 1, kCiphersPlace = 4, kExtensionsPlace = 6, kAlpnPlace = 8,
                 kFirstPartChars = 10;

std::optional<double> two_digits(const std::string& ja4, size_t place) {
  int number = 0;
  const char* const begin = ja4.data() + place;
  const auto read = std::from_chars(begin, begin + 2, number);
  if (read.ec != std::errc() || read.ptr != begin + 2) return std::nullopt;
  return number;
}

double alpn_of(const std::string& ja4) {
  const std::string_view alpn = std::string_view(ja4).substr(kAlpnPlace, 2);
  constexpr double kOther = 0.5;
  return alpn == "00" ? 0 : alpn == "h2" ? 1 : kOther;
}

}  // namespace

std::optional<std::array<double, 7>> hello_features(const std::string& ja4) {
  if (ja4.size() < kFirstPartChars) return std::nullopt;
  constexpr double kOldestTls = 10;  // SSL and unknown versions are written with letters
  const double version = two_digits(ja4, kVersionPlace).value_or(kOldestTls);
  const auto ciphers = two_digits(ja4, kCiphersPlace);
  const auto extensions = two_digits(ja4, kExtensionsPlace);
  if (!ciphers || !extensions) return std::nullopt;
  return std::array{version,           *ciphers,          *extensions,      alpn_of(ja4),
                    unit_hash(ja4, 1), unit_hash(ja4, 2), unit_hash(ja4, 3)};
}

}  // namespace dam::control

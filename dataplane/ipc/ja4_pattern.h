// SPDX-License-Identifier: BSD-3-Clause
// How a pattern of JA4 fingerprints is written; what is let through here the engine reads
// (engine/ja4.h).
#pragma once

#include <algorithm>
#include <string_view>

namespace dam {

// Three parts between "_", each of which may be "*": t13d1516h2_8daaf6152771_e5627efa2ab1.
constexpr bool is_ja4_pattern(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto hex = [&](char c) { return digit(c) || (c >= 'a' && c <= 'f'); };
  const auto word = [&](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto is_digest = [&](std::string_view part) {
    return part == "*" || (part.size() == 12 && std::all_of(part.begin(), part.end(), hex));
  };
  const auto is_open = [&](std::string_view part) {
    if (part == "*") return true;
    if (part.size() != 10 || part[0] != 't' || (part[3] != 'd' && part[3] != 'i')) return false;
    const std::string_view version = part.substr(1, 2), counts = part.substr(4, 4);
    return (version == "00" || version == "s3" ||
            (version >= "10" && version <= "13" && digit(version[1]))) &&
           std::all_of(counts.begin(), counts.end(), digit) && word(part[8]) && word(part[9]);
  };
  const size_t first = text.find('_'), second = text.rfind('_');
  return first != text.npos && first < second && is_open(text.substr(0, first)) &&
         is_digest(text.substr(first + 1, second - first - 1)) &&
         is_digest(text.substr(second + 1));
}

// Of patterns: does it stand for whoever there is?
constexpr bool takes_every_ja4(std::string_view pattern) { return pattern == "*_*_*"; }

// Is a fingerprint, as it is written, one of those of a pattern?
constexpr bool matches_ja4(std::string_view pattern, std::string_view ja4) {
  for (bool more = true; more;) {
    const size_t end = pattern.find('_'), at = ja4.find('_');
    const std::string_view part = pattern.substr(0, end);
    if (part != "*" && part != ja4.substr(0, at)) return false;
    more = end != pattern.npos && at != ja4.npos;
    if ((end == pattern.npos) != (at == ja4.npos)) return false;
    pattern.remove_prefix(more ? end + 1 : pattern.size());
    ja4.remove_prefix(more ? at + 1 : ja4.size());
  }
  return true;
}

}  // namespace dam

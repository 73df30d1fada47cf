// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal.h"

#include <algorithm>

namespace dam::control {

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "%2e" is one character; what is no such code stays as it is.
std::string decoded(std::string_view path) {
  std::string result;
  result.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    const bool whole = path[i] == '%' && i + 2 < path.size();
    const int high = whole ? digit_of(path[i + 1]) : -1;
    const int low = whole ? digit_of(path[i + 2]) : -1;
    if (high < 0 || low < 0) {
      result += path[i];
      continue;
    }
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

}  // namespace

std::optional<Address> signal_client(std::string_view text) {
  constexpr std::string_view kMapped = "::ffff:";
  const bool mapped = text.starts_with(kMapped) && text.find('.') != std::string_view::npos;
  if (mapped) text.remove_prefix(kMapped.size());
  const auto address = parse_address(text);
  return address && is_host_address(*address) ? address : std::nullopt;
}

std::string normal_path(std::string_view path) {
  path = path.substr(0, std::min(path.find_first_of("?#"), kMostSignalPath));
  std::string text = decoded(path);
  if (!text.starts_with('/')) return text;
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('/', at + 1), text.size());
    const std::string_view part = std::string_view(text).substr(at + 1, end - at - 1);
    const bool last = end == text.size();
    at = end;
    if (part == "..") result.resize(std::min(result.rfind('/'), result.size()));
    const bool kept = !part.empty() && part != "." && part != "..";
    if (kept) result.append("/").append(part);
    if (last && !kept) result += '/';
  }
  return result;
}

}  // namespace dam::control

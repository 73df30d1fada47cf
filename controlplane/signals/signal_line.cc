// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_line.h"

#include <algorithm>
#include <charconv>

#include "controlplane/policy/reader.h"

namespace dam::control {

namespace {

constexpr std::string_view kMark = "dam ";
constexpr size_t kTimeBytes = sizeof "Nov 30 00:24:44 " - 1;
constexpr unsigned kMostPriority = 191;  // RFC 3164 4.1.1
constexpr uint16_t kMostStatus = 999;

template <class Number>
std::optional<Number> whole_number(std::string_view text, size_t most_digits) {
  Number number = 0;
  if (text.empty() || text.size() > most_digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

// Up to the blank, which goes too.
std::string_view take_word(std::string_view& text) {
  const size_t blank = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(std::min(blank + 1, text.size()));
  return word;
}

// "<190>Nov 30 00:24:44 web nginx: "; the host may be left out (nginx: nohostname).
bool take_head(std::string_view& text) {
  if (!text.starts_with('<')) return false;
  const size_t end = text.find('>');
  if (end == std::string_view::npos) return false;
  const auto priority = whole_number<unsigned>(text.substr(1, end - 1), 3);
  if (!priority || *priority > kMostPriority) return false;
  text.remove_prefix(end + 1);
  if (text.size() < kTimeBytes || text[kTimeBytes - 1] != ' ') return false;
  text.remove_prefix(kTimeBytes);
  constexpr int kMostWords = 2;
  for (int words = 0; words < kMostWords; ++words) {
    const std::string_view word = take_word(text);
    if (word.size() > 1 && word.ends_with(':')) return true;
  }
  return false;
}

// nginx writes what it does not print as \x0a.
std::string unescaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const bool coded = text.substr(i).starts_with("\\x") && i + 3 < text.size();
    const char* const digits = text.data() + i + 2;
    if (coded && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      result += static_cast<char>(byte);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

bool take_path(std::string_view value, Signal& signal) {
  if (value == "-") return true;
  // Cut before it is decoded: what is cut off would only be thrown away.
  signal.path = normal_path(unescaped(value.substr(0, 4 * kMostSignalPath)));
  return true;
}

bool take_field(std::string_view key, std::string_view value, Signal& signal, bool& has_client) {
  if (key == "client" && !has_client) {
    const auto client = signal_client(value);
    if (client) signal.client = *client;
    return has_client = client.has_value();
  }
  if (key == "status" && signal.status == 0) {
    const auto status = whole_number<uint16_t>(value, 3);
    if (status) signal.status = *status;
    return value == "-" || (status && *status <= kMostStatus);
  }
  if (key == "class" && signal.class_name.empty()) {
    if (value == "-" || value.empty()) return true;
    signal.class_name = value.substr(0, kMostSignalClass);
    return value.size() <= kMostSignalClass && is_name(signal.class_name);
  }
  return false;
}

}  // namespace

std::optional<Signal> read_signal_line(std::string_view datagram) {
  if (datagram.size() > kMostDatagramBytes || !take_head(datagram)) return std::nullopt;
  if (!datagram.starts_with(kMark)) return std::nullopt;
  datagram.remove_prefix(kMark.size());
  while (datagram.ends_with('\n') || datagram.ends_with('\0')) datagram.remove_suffix(1);
  constexpr std::string_view kPath = "path=";
  Signal signal;
  bool has_client = false;
  while (!datagram.empty() && !datagram.starts_with(kPath)) {
    const std::string_view word = take_word(datagram);
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!take_field(word.substr(0, equals), word.substr(equals + 1), signal, has_client)) {
      return std::nullopt;
    }
  }
  if (!datagram.empty()) take_path(datagram.substr(kPath.size()), signal);
  return has_client ? std::optional(std::move(signal)) : std::nullopt;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/quantity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <vector>

#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr double kLargest = 1e15;  // doubles hold every integer up to here

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kCountUnits[] = {{"", 1},    {"k", 1e3},   {"K", 1e3},        {"M", 1e6},
                                {"G", 1e9}, {"Ki", 1024}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}};
// A single letter counts as in nginx; with B it is the SI prefix.
constexpr Unit kByteUnits[] = {
    {"", 1},          {"B", 1},           {"k", 1024},           {"K", 1024},
    {"m", 1048576.0}, {"M", 1048576.0},   {"g", 1073741824.0},   {"G", 1073741824.0},
    {"kB", 1e3},      {"KB", 1e3},        {"MB", 1e6},           {"GB", 1e9},
    {"KiB", 1024},    {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"kbit", 125},
    {"Mbit", 125e3},  {"Gbit", 125e6}};
constexpr Unit kTimeUnits[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
constexpr Unit kPeriods[] = {{"s", 1}, {"m", 60}, {"h", 3600}};

constexpr char kCountHint[] = "write a number, with k, M or G for thousands, e.g. 1M";
constexpr char kBytesHint[] =
    "write bytes with k, m, g (1,024), kB, MB, GB (1,000) or KiB, MiB, GiB, e.g. 64MiB";
constexpr char kDurationHint[] = "write a time with its unit (ms, s, m, h, d), e.g. 10s";
constexpr char kEventRateHint[] = "write e.g. \"10r/s burst=20\", \"600r/m\", or none";
constexpr char kByteRateHint[] = "write e.g. \"10MB/s burst=20MB\", \"100Mbit/s\", or none";

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 80)) + "\""; }

template <class V>
Parsed<V> bad(std::string wrong, std::string hint) {
  return {std::nullopt, std::move(wrong), std::move(hint)};
}

template <class V>
Parsed<V> good(V value) {
  return {value, "", ""};
}

template <size_t N>
const Unit* find_unit(const Unit (&units)[N], std::string_view name) {
  const auto* found = std::find_if(std::begin(units), std::end(units),
                                   [&](const Unit& u) { return u.name == name; });
  return found == std::end(units) ? nullptr : found;
}

// Takes digits with an optional fraction off the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) != 0)) ++end;
  if (end == 0) return std::nullopt;
  if (end + 1 < text.size() && text[end] == '.' &&
      std::isdigit(static_cast<unsigned char>(text[end + 1])) != 0) {
    ++end;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
  if (error != std::errc{} || stop != text.data() + end) return std::nullopt;
  text.remove_prefix(end);
  return value;
}

template <size_t N>
Parsed<double> parse_scaled(std::string_view text, const Unit (&units)[N], const char* hint) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) return bad<double>(quoted(text) + " is not a number", hint);
  const Unit* unit = find_unit(units, rest);
  if (unit == nullptr) return bad<double>("unknown unit " + quoted(rest), hint);
  if (*number * unit->factor > kLargest) return bad<double>(quoted(text) + " is too large", hint);
  return good(*number * unit->factor);
}

Parsed<uint64_t> whole(std::string_view text, const Parsed<double>& scaled, const char* hint) {
  if (!scaled.value) return bad<uint64_t>(scaled.wrong, scaled.hint);
  if (*scaled.value != std::floor(*scaled.value)) {
    return bad<uint64_t>(quoted(text) + " is not a whole number", hint);
  }
  return good(static_cast<uint64_t>(*scaled.value));
}

struct RateText {
  std::string_view amount;  // "10r", "10MB"
  double period_seconds = 0;
  std::optional<std::string_view> burst;
};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> result;
  size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
    const size_t end = std::min(text.find(' ', at), text.size());
    result.push_back(text.substr(at, end - at));
    at = end;
  }
  return result;
}

Parsed<RateText> split_rate(std::string_view text, const char* hint) {
  const auto parts = words(text);
  if (parts.empty()) return bad<RateText>("an empty rate", hint);
  const size_t slash = parts[0].find('/');
  if (slash == std::string_view::npos) {
    return bad<RateText>(quoted(text) + " does not say how often", hint);
  }
  const Unit* period = find_unit(kPeriods, parts[0].substr(slash + 1));
  if (period == nullptr) {
    return bad<RateText>("unknown period " + quoted(parts[0].substr(slash + 1)),
                         "write /s, /m or /h");
  }
  RateText result{parts[0].substr(0, slash), period->factor, std::nullopt};
  for (size_t i = 1; i < parts.size(); ++i) {
    if (!parts[i].starts_with("burst=") || result.burst) {
      return bad<RateText>("unexpected " + quoted(parts[i]), hint);
    }
    result.burst = parts[i].substr(6);
  }
  return good(result);
}

// What the two kinds of rate differ in.
struct RateKind {
  const char* hint;
  Parsed<uint64_t> (*parse_burst)(std::string_view);
  uint64_t smallest_burst;
  uint64_t smallest_default_burst;
  const char* burst_example;
};

Parsed<Rate> finish_rate(const RateText& parts, double amount, const RateKind& kind) {
  if (amount == 0) {
    return bad<Rate>("a rate of 0 lets nothing pass",
                     "leave the key out, or write none, for no limit");
  }
  const double per_second = amount / parts.period_seconds;
  if (per_second < kLeastPerSecond) {
    return bad<Rate>("a rate below 0.001 a second", "write at least 4 an hour, e.g. \"4r/h\"");
  }
  if (per_second > kMostPerSecond) {
    return bad<Rate>("a rate above 1,000,000,000,000 a second", "write none, for no limit");
  }
  if (!parts.burst) {
    const auto second = static_cast<uint64_t>(std::ceil(per_second));
    return good(Rate{per_second, std::max(second, kind.smallest_default_burst)});
  }
  const auto burst = kind.parse_burst(*parts.burst);
  if (!burst.value) return bad<Rate>("burst: " + burst.wrong, burst.hint);
  if (*burst.value < kind.smallest_burst) {
    return bad<Rate>("burst=" + std::string(*parts.burst) +
                         " lets nothing pass: it is how much may "
                         "come at once",
                     kind.burst_example);
  }
  return good(Rate{per_second, *burst.value});
}

constexpr RateKind kEvents{kEventRateHint, parse_count, 1, 1, "write at least burst=1"};
constexpr RateKind kBytes{kByteRateHint, parse_bytes, kLargestFrameBytes,
                          kSmallestDefaultBurstBytes,
                          "write at least one full frame, better burst=64k or more"};

std::string number_text(double value) {
  std::ostringstream out;
  out.precision(12);
  out << value;
  return out.str();
}

}  // namespace

const char* const kCountPattern = "^[0-9]+(\\.[0-9]+)?([kKMG]|[KMG]i)?$";
const char* const kBytesPattern = "^[0-9]+(\\.[0-9]+)?([kKmMgG]|B|[kKMG]B|[KMG]iB|[kMG]bit)?$";
const char* const kDurationPattern = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$";
const char* const kPercentPattern = "^[0-9]+%$";
const char* const kPortRangePattern = "^[0-9]+-[0-9]+$";
const char* const kStatusRangePattern = "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$";
const char* const kEventRatePattern =
    "^(none|[0-9]+(\\.[0-9]+)?([kKMG]|[KMG]i)?r?/[smh]( "
    "+burst=[0-9]+(\\.[0-9]+)?([kKMG]|[KMG]i)?)?)$";
const char* const kByteRatePattern =
    "^(none|[0-9]+(\\.[0-9]+)?([kKmMgG]|B|[kKMG]B|[KMG]iB|[kMG]bit)?/[smh]"
    "( +burst=[0-9]+(\\.[0-9]+)?([kKmMgG]|B|[kKMG]B|[KMG]iB|[kMG]bit)?)?)$";

Parsed<uint64_t> parse_count(std::string_view text) {
  return whole(text, parse_scaled(text, kCountUnits, kCountHint), kCountHint);
}

Parsed<uint64_t> parse_bytes(std::string_view text) {
  return whole(text, parse_scaled(text, kByteUnits, kBytesHint), kBytesHint);
}

Parsed<uint64_t> parse_duration_ns(std::string_view text) {
  std::string_view rest = text;
  double total_ns = 0;
  do {
    const auto number = take_number(rest);
    if (!number) return bad<uint64_t>(quoted(text) + " is not a time", kDurationHint);
    const size_t unit_end = std::min(rest.find_first_of("0123456789"), rest.size());
    const Unit* unit = find_unit(kTimeUnits, rest.substr(0, unit_end));
    if (unit == nullptr) {
      return bad<uint64_t>(quoted(text) + (unit_end == 0 ? " has no unit" : " has an unknown unit"),
                           kDurationHint);
    }
    total_ns += *number * unit->factor;
    rest.remove_prefix(unit_end);
  } while (!rest.empty());
  if (total_ns > 1e18) return bad<uint64_t>(quoted(text) + " is too long", kDurationHint);
  return good(static_cast<uint64_t>(total_ns));
}

Parsed<uint32_t> parse_percent(std::string_view text) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop + 1 != end || *stop != '%') {
    return bad<uint32_t>(quoted(text) + " is not a percentage", "write e.g. 10%");
  }
  return good(value);
}

Parsed<PortRange> parse_port_range(std::string_view text) {
  uint32_t first = 0;
  uint32_t last = 0;
  const char* end = text.data() + text.size();
  const auto a = std::from_chars(text.data(), end, first);
  if (a.ec == std::errc{} && a.ptr != end && *a.ptr == '-') {
    const auto b = std::from_chars(a.ptr + 1, end, last);
    if (b.ec == std::errc{} && b.ptr == end && first > 0 && first <= last && last <= 65535) {
      return good(PortRange{static_cast<uint16_t>(first), static_cast<uint16_t>(last)});
    }
  }
  return bad<PortRange>(quoted(text) + " is not a range of ports", "write e.g. 1024-65535");
}

Parsed<StatusRange> parse_status_range(std::string_view text) {
  const auto status = [](std::string_view digits) {
    uint16_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc{} && stop == end && digits.size() == 3 ? number : uint16_t{0};
  };
  const size_t dash = text.find('-');
  const uint16_t first = status(text.substr(0, dash));
  const uint16_t last = dash == std::string_view::npos ? first : status(text.substr(dash + 1));
  if (first >= 100 && last <= 599 && first <= last) return good(StatusRange{first, last});
  return bad<StatusRange>(quoted(text) + " is no HTTP status or range of them",
                          "write e.g. 204 or 200-399");
}

Parsed<Rate> parse_event_rate(std::string_view text) {
  if (text == "none") return good(Rate{});
  const auto parts = split_rate(text, kEventRateHint);
  if (!parts.value) return bad<Rate>(parts.wrong, parts.hint);
  std::string_view amount = parts.value->amount;
  if (amount.ends_with('r')) amount.remove_suffix(1);
  const auto number = parse_scaled(amount, kCountUnits, kEventRateHint);
  if (!number.value) return bad<Rate>(number.wrong, number.hint);
  return finish_rate(*parts.value, *number.value, kEvents);
}

Parsed<Rate> parse_byte_rate(std::string_view text) {
  if (text == "none") return good(Rate{});
  const auto parts = split_rate(text, kByteRateHint);
  if (!parts.value) return bad<Rate>(parts.wrong, parts.hint);
  const auto number = parse_scaled(parts.value->amount, kByteUnits, kByteRateHint);
  if (!number.value) return bad<Rate>(number.wrong, number.hint);
  return finish_rate(*parts.value, *number.value, kBytes);
}

std::string duration_text(uint64_t ns) {
  std::string result;
  for (const auto& [name, unit_ns] : {std::pair<const char*, uint64_t>{"d", 86400000000000},
                                      {"h", 3600000000000},
                                      {"m", 60000000000},
                                      {"s", 1000000000},
                                      {"ms", 1000000}}) {
    if (ns / unit_ns > 0) result += std::to_string(ns / unit_ns) + name;
    ns %= unit_ns;
  }
  return result.empty() ? "0s" : result;
}

namespace {

std::string bytes_text(double value) {
  for (const auto& [name, factor] :
       {Unit{"GiB", 1073741824.0}, Unit{"GB", 1e9}, Unit{"MiB", 1048576.0}, Unit{"MB", 1e6},
        Unit{"KiB", 1024.0}, Unit{"kB", 1e3}}) {
    if (value >= factor && std::fmod(value, factor) == 0) {
      return number_text(value / factor) + std::string(name);
    }
  }
  return number_text(value) + "B";
}

}  // namespace

std::string event_rate_text(const Rate& rate) {
  if (!rate.limited()) return "none";
  const bool slow = rate.per_second != std::floor(rate.per_second);
  const double amount = slow ? std::round(rate.per_second * 60 * 1e6) / 1e6 : rate.per_second;
  return number_text(amount) + (slow ? "r/m" : "r/s") + " burst=" + std::to_string(rate.burst);
}

std::string byte_rate_text(const Rate& rate) {
  if (!rate.limited()) return "none";
  return bytes_text(rate.per_second) + "/s burst=" + bytes_text(static_cast<double>(rate.burst));
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// Numbers with units, as dam.yaml writes them: 1M, 64MiB, 10s, "10r/s burst=20", "10MB/s".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dam::control {

// A value, or what is wrong with the text and what would be right.
template <class V>
struct Parsed {
  std::optional<V> value;
  std::string wrong;
  std::string hint;
};

// Events or bytes each second, and how many at once; both 0: no limit.
struct Rate {
  double per_second = 0;
  uint64_t burst = 0;
  bool limited() const { return per_second > 0; }
  bool operator==(const Rate&) const = default;
};

struct PortRange {
  uint16_t first = 1024;
  uint16_t last = 32767;
  bool operator==(const PortRange&) const = default;
};

// HTTP statuses, both ends included.
struct StatusRange {
  uint16_t first = 200;
  uint16_t last = 399;
  bool operator==(const StatusRange&) const = default;
};

// A bucket for bytes holds at least one full Ethernet frame, or that frame would never pass.
inline constexpr uint64_t kLargestFrameBytes = 1600;
// The burst of a byte rate that names none: one second's worth, but no less than this.
inline constexpr uint64_t kSmallestDefaultBurstBytes = 64 * 1024;

Parsed<uint64_t> parse_count(std::string_view text);            // 1000, 16k, 1M, 64Ki
Parsed<uint64_t> parse_bytes(std::string_view text);            // 16384, 64k, 10MB, 64MiB
Parsed<uint64_t> parse_duration_ns(std::string_view text);      // 500ms, 10s, 1h30m, 2d
Parsed<uint32_t> parse_percent(std::string_view text);          // 10%
Parsed<PortRange> parse_port_range(std::string_view text);      // 1024-65535
Parsed<StatusRange> parse_status_range(std::string_view text);  // 204, 200-399
Parsed<Rate> parse_event_rate(std::string_view text);           // 10r/s burst=20, 600r/m, none
Parsed<Rate> parse_byte_rate(std::string_view text);  // 10MB/s burst=20MB, 100Mbit/s, none

// The same shapes for the JSON schema (ECMA 262 regular expressions).
extern const char* const kCountPattern;
extern const char* const kBytesPattern;
extern const char* const kDurationPattern;
extern const char* const kPercentPattern;
extern const char* const kPortRangePattern;
extern const char* const kStatusRangePattern;
extern const char* const kEventRatePattern;
extern const char* const kByteRatePattern;

std::string duration_text(uint64_t ns);      // "1h30m"
std::string event_rate_text(const Rate& r);  // "10r/s burst=20", "none"
std::string byte_rate_text(const Rate& r);   // "10MB/s burst=20MB"

}  // namespace dam::control

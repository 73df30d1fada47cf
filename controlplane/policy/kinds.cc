// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/kinds.h"

#include <charconv>

#include "controlplane/policy/kind_parts.h"
#include "dataplane/ipc/device_name.h"

namespace dam::control {

const std::string* scalar(Reader& reader, const YAML::Node& node, const std::string& what) {
  if (!reader.count_value(node)) return nullptr;
  if (!node.IsScalar()) {
    reader.wrong(node, what);
    return nullptr;
  }
  return &node.Scalar();
}

const std::string* string_scalar(Reader& reader, const YAML::Node& node, const std::string& what) {
  const std::string* value = scalar(reader, node, what);
  if (value != nullptr && is_typed_scalar(node)) {
    reader.wrong(node, what, "YAML reads this as a number or boolean: put it into quotes");
    return nullptr;
  }
  return value;
}

namespace {

template <class V>
std::optional<V> take(Reader& reader, const YAML::Node& node, const Parsed<V>& parsed) {
  if (!parsed.value) reader.problems().error(mark_of(node), parsed.wrong, parsed.hint);
  return parsed.value;
}

template <class V>
using Parse = Parsed<V> (*)(std::string_view);

template <class V>
Kind<V> parsed_text(const std::string& what, const char* pattern, Parse<V> parse) {
  return {what, Json{{"type", "string"}, {"pattern", pattern}},
          [what, parse](Reader& reader, const YAML::Node& node) -> std::optional<V> {
            const std::string* value = scalar(reader, node, what);
            if (value == nullptr) return std::nullopt;
            return take(reader, node, parse(*value));
          }};
}

std::optional<uint64_t> in_range(Reader& reader, const YAML::Node& node,
                                 std::optional<uint64_t> value, uint64_t least, uint64_t most,
                                 const std::string& range) {
  if (!value) return std::nullopt;
  if (*value >= least && *value <= most) return value;
  reader.problems().error(mark_of(node), "\"" + node.Scalar().substr(0, 80) + "\" is out of range",
                          "allowed: " + range);
  return std::nullopt;
}

// A number, with or without a unit: in JSON an integer or a string.
Kind<uint64_t> sized(const std::string& what, const char* pattern, Parse<uint64_t> parse,
                     uint64_t least, uint64_t most) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  const Json schema = {{"anyOf",
                        {{{"type", "integer"}, {"minimum", least}, {"maximum", most}},
                         {{"type", "string"}, {"pattern", pattern}}}}};
  return {what, schema, [=](Reader& reader, const YAML::Node& node) -> std::optional<uint64_t> {
            const std::string* value = scalar(reader, node, what);
            if (value == nullptr) return std::nullopt;
            return in_range(reader, node, take(reader, node, parse(*value)), least, most, range);
          }};
}

std::optional<uint64_t> read_integer(Reader& reader, const YAML::Node& node,
                                     const std::string& what) {
  const std::string* value = scalar(reader, node, what);
  if (value == nullptr) return std::nullopt;
  uint64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end) {
    reader.wrong(node, what);
    return std::nullopt;
  }
  if (node.Tag() == "!") {
    reader.wrong(node, what, "write it without quotes");
    return std::nullopt;
  }
  return number;
}

}  // namespace

Kind<bool> boolean() {
  return {"true or false", Json{{"type", "boolean"}},
          [](Reader& reader, const YAML::Node& node) -> std::optional<bool> {
            const std::string* value = scalar(reader, node, "true or false");
            if (value == nullptr) return std::nullopt;
            const bool quoted = node.Tag() == "!";
            if (!quoted && (*value == "true" || *value == "false")) return *value == "true";
            reader.wrong(node, "true or false", quoted ? "write it without quotes" : "");
            return std::nullopt;
          }};
}

Kind<std::string> text(size_t longest) {
  const Json schema = {{"type", "string"}, {"minLength", 1}, {"maxLength", longest}};
  return {"a text", schema,
          [longest](Reader& reader, const YAML::Node& node) -> std::optional<std::string> {
            const std::string* value = string_scalar(reader, node, "a text");
            if (value == nullptr) return std::nullopt;
            if (!value->empty() && value->size() <= longest) return *value;
            reader.wrong(node, "a text of 1 to " + std::to_string(longest) + " bytes");
            return std::nullopt;
          }};
}

Kind<std::string> name() {
  return {"a name", Json{{"type", "string"}, {"pattern", kNamePattern}},
          [](Reader& reader, const YAML::Node& node) -> std::optional<std::string> {
            const std::string* value = string_scalar(reader, node, "a name");
            if (value == nullptr) return std::nullopt;
            if (is_name(*value)) return *value;
            report_bad_name(reader, node);
            return std::nullopt;
          }};
}

Kind<std::string> device() {
  Kind<std::string> kind = text(255);
  kind.read = [read = kind.read](Reader& reader, const YAML::Node& node) {
    auto value = read(reader, node);
    const std::string wrong = value ? wrong_with_device(*value) : "";
    if (!wrong.empty()) {
      reader.problems().error(mark_of(node), wrong,
                              "write e.g. enp1s0, 0000:01:00.0 or net_memif0,role=client");
      value.reset();
    }
    return value;
  };
  return kind;
}

Kind<uint64_t> integer(uint64_t least, uint64_t most) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  const std::string what = "a number from " + range;
  return {what, Json{{"type", "integer"}, {"minimum", least}, {"maximum", most}},
          [=](Reader& reader, const YAML::Node& node) {
            return in_range(reader, node, read_integer(reader, node, what), least, most, range);
          }};
}

Kind<uint64_t> at_most() {
  constexpr uint64_t kMost = 4'000'000'000;
  const std::string what = "a number from 1 to 4000000000, or none";
  const Json schema = {
      {"anyOf", {{{"type", "integer"}, {"minimum", 1}, {"maximum", kMost}}, {{"const", "none"}}}}};
  return {what, schema, [what](Reader& reader, const YAML::Node& node) -> std::optional<uint64_t> {
            if (node.IsScalar() && node.Scalar() == "none") return 0;
            const auto value = read_integer(reader, node, what);
            return in_range(reader, node, value, 1, kMost, "1 to 4000000000, or none for no limit");
          }};
}

Kind<uint64_t> count(uint64_t least, uint64_t most) {
  return sized("a number such as 16384 or 1M", kCountPattern, parse_count, least, most);
}

Kind<uint64_t> bytes(uint64_t least, uint64_t most) {
  return sized("bytes such as 64MiB", kBytesPattern, parse_bytes, least, most);
}

Kind<uint64_t> duration(uint64_t least_ns, uint64_t most_ns) {
  auto kind = parsed_text<uint64_t>("a time such as 10s", kDurationPattern, parse_duration_ns);
  const std::string range = duration_text(least_ns) + " to " + duration_text(most_ns);
  kind.read = [=, read = kind.read](Reader& reader, const YAML::Node& node) {
    return in_range(reader, node, read(reader, node), least_ns, most_ns, range);
  };
  return kind;
}

Kind<uint32_t> percent(uint32_t least, uint32_t most) {
  auto kind = parsed_text<uint32_t>("a percentage such as 10%", kPercentPattern, parse_percent);
  const std::string range = std::to_string(least) + "% to " + std::to_string(most) + "%";
  kind.read = [=, read = kind.read](Reader& reader,
                                    const YAML::Node& node) -> std::optional<uint32_t> {
    const std::optional<uint64_t> value = read(reader, node);
    const auto checked = in_range(reader, node, value, least, most, range);
    if (!checked) return std::nullopt;
    return static_cast<uint32_t>(*checked);
  };
  return kind;
}

Kind<PortRange> port_range() {
  return parsed_text<PortRange>("a range of ports such as 1024-65535", kPortRangePattern,
                                parse_port_range);
}

Kind<StatusRange> status_range() {
  auto kind = parsed_text<StatusRange>("an HTTP status such as 204, or a range such as 200-399",
                                       kStatusRangePattern, parse_status_range);
  kind.schema = {
      {"anyOf", {{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}, kind.schema}}};
  return kind;
}

Kind<Rate> event_rate() {
  return parsed_text<Rate>("a rate such as \"10r/s burst=20\"", kEventRatePattern,
                           parse_event_rate);
}

Kind<Rate> byte_rate() {
  return parsed_text<Rate>("a rate such as \"10MB/s burst=20MB\"", kByteRatePattern,
                           parse_byte_rate);
}

}  // namespace dam::control

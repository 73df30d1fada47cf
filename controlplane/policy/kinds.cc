// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/kinds.h"

#include <algorithm>
#include <charconv>
#include <regex>

#include "dataplane/ipc/device_name.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

// The scalar's text, or nothing after a report.
const std::string* scalar(Reader& reader, const YAML::Node& node, const std::string& what) {
  if (!reader.count_value(node)) return nullptr;
  if (!node.IsScalar()) {
    reader.wrong(node, what);
    return nullptr;
  }
  return &node.Scalar();
}

// As scalar(), for values that must be text in YAML too.
const std::string* string_scalar(Reader& reader, const YAML::Node& node, const std::string& what) {
  const std::string* value = scalar(reader, node, what);
  if (value != nullptr && is_typed_scalar(node)) {
    reader.wrong(node, what, "YAML reads this as a number or boolean: put it into quotes");
    return nullptr;
  }
  return value;
}

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

namespace {

constexpr char kAddressPattern[] = "^[0-9a-fA-F.:]+$";
constexpr char kNetworkPattern[] = "^[0-9a-fA-F.:]+(/[0-9]+)?$";
constexpr char kInterfaceAddressPattern[] = "^[0-9a-fA-F.:]+/[0-9]+$";

std::optional<Address> read_host_address(Reader& reader, const YAML::Node& node) {
  const std::string* value = scalar(reader, node, "an IP address");
  if (value == nullptr) return std::nullopt;
  const auto address = parse_address(*value);
  if (!address) {
    reader.wrong(node, "an IP address",
                 parse_network(*value) ? "write it without \"/\" and prefix length" : "");
    return std::nullopt;
  }
  if (!is_host_address(*address)) {
    reader.problems().error(mark_of(node), *value + " is not the address of one host",
                            "unspecified, loopback, multicast and broadcast addresses do not work");
    return std::nullopt;
  }
  return address;
}

std::optional<Network> read_network(Reader& reader, const YAML::Node& node) {
  const std::string* value = scalar(reader, node, "a network such as 198.51.100.0/24");
  if (value == nullptr) return std::nullopt;
  const auto network = parse_network(*value);
  if (!network) {
    reader.wrong(node, "a network such as 198.51.100.0/24 or 2001:db8::/32");
    return std::nullopt;
  }
  if (*network != network->masked()) {
    reader.problems().error(mark_of(node), *value + " has bits set behind its prefix",
                            "write " + network->masked().text() + " or " + network->address.text());
    return std::nullopt;
  }
  return network;
}

std::optional<Network> read_interface_address(Reader& reader, const YAML::Node& node) {
  constexpr char kWhat[] = "an address with its prefix length such as 198.51.100.2/24";
  const std::string* value = scalar(reader, node, kWhat);
  if (value == nullptr) return std::nullopt;
  const auto network = parse_network(*value);
  if (!network || value->find('/') == std::string::npos) {
    reader.wrong(node, kWhat, network ? "append the prefix length, e.g. /24" : "");
    return std::nullopt;
  }
  const bool is_network =
      *network == network->masked() && network->prefix_bits + 1u < network->address.bits();
  if (!is_host_address(network->address) || is_network) {
    reader.problems().error(mark_of(node), *value + " is not the address of one host",
                            "write the dam's own address on this network");
    return std::nullopt;
  }
  return network;
}

}  // namespace

Kind<Address> host_address() {
  return {"an IP address", Json{{"type", "string"}, {"pattern", kAddressPattern}},
          read_host_address};
}

Kind<SocketAddress> socket_address() {
  static constexpr char kWhat[] = "an address and a port such as 198.51.100.2:5514";
  const Json schema = {{"type", "string"}, {"pattern", "^([0-9.]+|\\[[0-9a-fA-F.:]+\\]):[0-9]+$"}};
  return {kWhat, schema,
          [](Reader& reader, const YAML::Node& node) -> std::optional<SocketAddress> {
            const std::string* value = scalar(reader, node, kWhat);
            if (value == nullptr) return std::nullopt;
            const auto read = parse_socket_address(*value);
            if (!read || read->port == 0 || !is_host_address(read->address)) {
              reader.wrong(node, kWhat, "IPv6: \"[2001:db8::2]:5514\"");
              return std::nullopt;
            }
            return read;
          }};
}

Kind<Network> network() {
  return {"a network", Json{{"type", "string"}, {"pattern", kNetworkPattern}}, read_network};
}

Kind<Network> interface_address() {
  return {"an address with its prefix length",
          Json{{"type", "string"}, {"pattern", kInterfaceAddressPattern}}, read_interface_address};
}

namespace {

constexpr char kServerNamePattern[] = "^(\\*\\.)?([A-Za-z0-9_-]{1,63}\\.)*[A-Za-z0-9_-]{1,63}\\.?$";

std::string canonical_name(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const size_t dot = std::min(name.find('.'), name.size());
    const std::string_view label = name.substr(0, dot);
    const bool fine = !label.empty() && label.size() <= 63 &&
                      std::all_of(label.begin(), label.end(), [](unsigned char c) {
                        return std::isalnum(c) != 0 || c == '-' || c == '_';
                      });
    if (!fine) return false;
    if (dot == name.size()) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string server_name_hint(const std::string& name) {
  if (name.find('*') != std::string::npos) {
    return "a wildcard stands for whole labels at the front: *.example.org";
  }
  if (std::any_of(name.begin(), name.end(), [](char c) { return (c & 0x80) != 0; })) {
    return "write it as browsers send it, in ASCII (xn--…)";
  }
  if (name.find("://") != std::string::npos || name.find('/') != std::string::npos) {
    return "write the name alone, without scheme and path";
  }
  if (name.find(':') != std::string::npos) return "the port belongs to the listener";
  return "";
}

std::optional<std::string> read_server_name(Reader& reader, const YAML::Node& node) {
  const std::string* value = string_scalar(reader, node, "a server name");
  if (value == nullptr) return std::nullopt;
  const std::string canonical = canonical_name(*value);
  const std::string_view host =
      std::string_view(canonical).substr(canonical.starts_with("*.") ? 2 : 0);
  if (is_host_name(host)) return canonical;
  reader.wrong(node, "a server name such as www.example.org or *.example.org",
               server_name_hint(*value));
  return std::nullopt;
}

}  // namespace

Kind<std::string> server_name() {
  return {"a server name", Json{{"type", "string"}, {"pattern", kServerNamePattern}},
          read_server_name};
}

namespace {

constexpr char kJa4What[] = "a JA4 fingerprint such as t13d1516h2_8daaf6152771_e5627efa2ab1";
// As is_ja4_pattern().
constexpr char kJa4Pattern[] =
    R"(^(\*|t(00|s3|1[0-3])[di][0-9]{4}[0-9A-Za-z]{2})_(\*|[0-9a-f]{12})_(\*|[0-9a-f]{12})$)";

std::optional<std::string> read_ja4_pattern(Reader& reader, const YAML::Node& node) {
  const std::string* value = string_scalar(reader, node, kJa4What);
  if (value == nullptr) return std::nullopt;
  if (is_ja4_pattern(*value)) return *value;
  reader.wrong(node, kJa4What,
               value->starts_with("q")
                   ? "QUIC is not passed: those of TLS over TCP begin with t"
                   : "three parts as damctl flows shows them; * stands for any");
  return std::nullopt;
}

}  // namespace

Kind<std::string> ja4_pattern() {
  return {kJa4What, Json{{"type", "string"}, {"pattern", kJa4Pattern}}, read_ja4_pattern};
}

namespace {

constexpr size_t kMostOriginBytes = 300;
constexpr char kOriginPattern[] =
    R"(^https?://([A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[1-9][0-9]{0,4})?$)";

std::optional<std::string> read_origin(Reader& reader, const YAML::Node& node) {
  static const std::regex pattern(kOriginPattern);
  constexpr char kWhat[] = "an address such as http://10.0.0.5:3100";
  const std::string* value = string_scalar(reader, node, kWhat);
  if (value == nullptr) return std::nullopt;
  std::smatch parts;
  const bool matches =
      value->size() <= kMostOriginBytes && std::regex_match(*value, parts, pattern);
  if (matches && (parts[2].length() == 0 || std::stoi(parts[2].str().substr(1)) <= 65'535)) {
    return *value;
  }
  reader.wrong(node, kWhat, "scheme, host and port alone: no path, no user, no password");
  return std::nullopt;
}

}  // namespace

Kind<std::string> http_origin() {
  return {"an address such as http://10.0.0.5:3100",
          Json{{"type", "string"}, {"pattern", kOriginPattern}}, read_origin};
}

}  // namespace dam::control

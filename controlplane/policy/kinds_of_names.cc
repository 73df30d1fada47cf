// SPDX-License-Identifier: BSD-3-Clause
// Server names, fingerprints, origins.
#include <algorithm>
#include <regex>

#include "controlplane/policy/kind_parts.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

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

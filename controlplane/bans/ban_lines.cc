// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_lines.h"

#include <nlohmann/json.hpp>

#include "controlplane/policy/quantity.h"

namespace dam::control {

namespace {

using LineJson = nlohmann::json;
constexpr size_t kMostLineProblems = 100;
constexpr const char* kBlanks = " \t\r";

std::string_view stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

std::string read_plain_ban(std::string_view line, BanRequest& ban) {
  const size_t end = std::min(line.find_first_of(kBlanks), line.size());
  const auto network = parse_network(line.substr(0, end));
  if (!network) return "not a network";
  ban.source = network->masked();
  const std::string_view reason = stripped(line.substr(end));
  if (!reason.empty()) ban.reason = reason;
  return objection_to_reason(ban.reason);
}

std::string read_json_field(const std::string& name, const LineJson& value, BanRequest& ban) {
  if (name == "until") {
    if (!value.is_number_integer() || value.get<int64_t>() <= 0) return "until is no Unix time";
    ban.until_unix = value.get<int64_t>();
    ban.for_s.reset();
    return {};
  }
  if (!value.is_string()) return name + " is no text";
  const std::string text = value.get<std::string>();
  if (name == "source") {
    const auto network = parse_network(text);
    if (!network) return "source is not a network";
    ban.source = network->masked();
  } else if (name == "for") {
    const auto duration = parse_duration_ns(text);
    if (!duration.value || *duration.value < 1'000'000'000) return "for is no time from 1s up";
    ban.for_s = static_cast<int64_t>(*duration.value / 1'000'000'000);
    ban.until_unix.reset();
  } else if (name == "reason") {
    ban.reason = text;
    return objection_to_reason(text);
  } else {
    return "\"" + name.substr(0, 40) + "\" is not known: source, for, until, reason";
  }
  return {};
}

std::string read_json_ban(std::string_view line, BanRequest& ban) {
  const LineJson json = LineJson::parse(line, nullptr, false);
  if (!json.is_object()) return "not a JSON object";
  if (!json.contains("source")) return "source is missing";
  if (json.contains("for") && json.contains("until")) return "for and until contradict each other";
  for (const auto& [name, value] : json.items()) {
    std::string wrong = read_json_field(name, value, ban);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

std::string objection_to_reason(std::string_view reason) {
  if (reason.size() > kLongestReason) {
    return "a reason has at most " + std::to_string(kLongestReason) + " bytes";
  }
  for (const char c : reason) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return "a reason is one line of text";
  }
  return {};
}

std::vector<BanRequest> read_ban_lines(std::string_view text, const BanRequest& otherwise,
                                       std::vector<Problem>& problems) {
  std::vector<BanRequest> bans;
  size_t wrong_lines = 0;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = stripped(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const bool json = line.starts_with('{');
    if (!json) line = stripped(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    BanRequest ban = otherwise;
    ban.line = number;
    const std::string wrong = json ? read_json_ban(line, ban) : read_plain_ban(line, ban);
    if (wrong.empty()) {
      bans.push_back(std::move(ban));
    } else if (++wrong_lines <= kMostLineProblems) {
      problems.push_back({Severity::error,
                          "",
                          {number, 1},
                          wrong,
                          "write a network and a reason, e.g. 198.51.100.0/24 scans us"});
    }
  }
  if (wrong_lines > kMostLineProblems) {
    const std::string more = std::to_string(wrong_lines - kMostLineProblems);
    problems.push_back({Severity::error, "", {}, more + " more lines are wrong", ""});
  }
  return bans;
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_lines.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "controlplane/policy/quantity.h"
#include "dataplane/ipc/ja4_pattern.h"

namespace dam::control {

namespace {

using LineJson = nlohmann::json;
constexpr const char* kBlanks = " \t\r";

std::string_view stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// What is wrong, and behind how many octets of the line; empty: nothing.
struct LineError {
  std::string message;
  size_t at = 0;
};

// A network, or a fingerprint.
std::string read_whom(std::string_view text, BanRequest& ban) {
  if (is_ja4_pattern(text)) {
    ban.ja4 = text;
    return {};
  }
  const auto network = parse_network(text);
  if (!network) return "neither a network nor a JA4 fingerprint";
  ban.source = network->masked();
  return {};
}

LineError read_plain_ban(std::string_view line, BanRequest& ban) {
  const size_t end = std::min(line.find_first_of(kBlanks), line.size());
  std::string wrong = read_whom(line.substr(0, end), ban);
  if (!wrong.empty()) return {std::move(wrong)};
  const std::string_view reason = stripped(line.substr(end));
  if (!reason.empty()) ban.reason = reason;
  return {objection_to_reason(ban.reason), line.size() - reason.size()};
}

std::string read_json_whom(const std::string& name, const std::string& text, BanRequest& ban) {
  if (name == "ja4") {
    ban.ja4 = text;
    return is_ja4_pattern(text) ? "" : "ja4 is no JA4 fingerprint";
  }
  const auto network = parse_network(text);
  if (!network) return "source is not a network";
  ban.source = network->masked();
  return {};
}

std::string read_json_field(const std::string& name, const LineJson& value, BanRequest& ban) {
  if (name == "until") {
    const int64_t until_unix = value.is_number_integer() ? value.get<int64_t>() : 0;
    if (until_unix <= 0 || until_unix > kLatestBanEnd_unix) return "until is no Unix time";
    ban.until_unix = until_unix;
    ban.for_s.reset();
    return {};
  }
  if (!value.is_string()) return name + " is no text";
  const std::string text = value.get<std::string>();
  if (name == "source" || name == "ja4") return read_json_whom(name, text, ban);
  if (name == "for") {
    const auto duration = parse_duration_ns(text);
    if (!duration.value || *duration.value < 1'000'000'000) return "for is no time from 1s up";
    ban.for_s = static_cast<int64_t>(*duration.value / 1'000'000'000);
    ban.until_unix.reset();
    return {};
  }
  ban.reason = text;
  return objection_to_reason(text);
}

// Where a key's name stands; 0 where it is written in another way.
size_t place_of_key(std::string_view line, const std::string& name) {
  const std::string quoted = LineJson(name).dump();
  for (size_t at = line.find(quoted); at != line.npos; at = line.find(quoted, at + 1)) {
    const size_t next = line.find_first_not_of(kBlanks, at + quoted.size());
    if (next != line.npos && line[next] == ':') return at;
  }
  return 0;
}

LineError read_json_object(std::string_view line, const LineJson& json, BanRequest& ban) {
  constexpr const char* kKnown[] = {"source", "ja4", "for", "until", "reason"};
  for (const auto& [name, value] : json.items()) {
    const bool known = std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
    std::string wrong =
        known ? read_json_field(name, value, ban)
              : "\"" + name.substr(0, 40) + "\" is not known: source, ja4, for, until, reason";
    if (!wrong.empty()) return {std::move(wrong), place_of_key(line, name)};
  }
  if (json.contains("for") && json.contains("until")) {
    return {"for and until contradict each other", place_of_key(line, "until")};
  }
  if (json.contains("source") && json.contains("ja4")) {
    return {"source and ja4 exclude each other", place_of_key(line, "ja4")};
  }
  if (!json.contains("source") && !json.contains("ja4")) return {"source or ja4 is missing"};
  return {};
}

LineError read_json_ban(std::string_view line, BanRequest& ban) {
  try {
    return read_json_object(line, LineJson::parse(line), ban);
  } catch (const LineJson::parse_error& error) {
    return {"not a JSON object", std::min(std::max<size_t>(error.byte, 1), line.size()) - 1};
  } catch (const LineJson::exception&) {  // a number that is none here, such as 1e999
    return {"not a JSON object that can be read"};
  }
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
                                       Objections& wrong) {
  std::vector<BanRequest> bans;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(whole.size() + 1, text.size()));
    std::string_view line = stripped(whole);
    const bool json = line.starts_with('{');
    if (!json) line = stripped(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const auto column = [&](size_t at) {
      return static_cast<int>(line.data() - whole.data() + at) + 1;
    };
    BanRequest ban = otherwise;
    ban.at = {number, column(0)};
    LineError error = json ? read_json_ban(line, ban) : read_plain_ban(line, ban);
    if (error.message.empty()) {
      bans.push_back(std::move(ban));
    } else {
      wrong.add(
          {number, column(error.at)}, std::move(error.message),
          "write a network or a JA4 fingerprint, and a reason, e.g. 198.51.100.0/24 scans us");
    }
  }
  return bans;
}

}  // namespace dam::control

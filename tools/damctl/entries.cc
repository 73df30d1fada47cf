// SPDX-License-Identifier: BSD-3-Clause
// Single routes and servers of the policy that runs.
#include <unistd.h>

#include <iostream>
#include <sstream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"

namespace dam::ctl {

namespace {

const char* example_of(const std::string& what) {
  return what == "route" ? "damctl route add blog listener=https server_names=[blog.example] "
                           "zone=light servers=[web-1]"
                         : "damctl server add web-2 addresses=[198.51.100.12] port=443 proxy=v2";
}

std::string path_of(const Entry& entry) {
  std::string path = "/v1/" + entry.what + "s/" + query_text(entry.name);
  std::string between = "?";
  const auto add = [&](const std::string& text) {
    path += between + text;
    between = "&";
  };
  if (entry.dry_run) add("dry_run=1");
  if (entry.force) add("force=1");
  if (!entry.confirm_within.empty()) add("confirm_within=" + query_text(entry.confirm_within));
  return path;
}

// As JSON where it is some; "[a, b]" as a list of texts, however they look; else a text.
Json value_of(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  if (!value.is_discarded()) return value;
  if (!text.starts_with('[') || !text.ends_with(']')) return text;
  value = Json::array();
  std::istringstream words(text.substr(1, text.size() - 2));
  for (std::string word; std::getline(words, word, ',');) {
    const size_t first = word.find_first_not_of(' '), last = word.find_last_not_of(' ');
    if (first != std::string::npos) value.push_back(word.substr(first, last - first + 1));
  }
  return value;
}

int tell(const Settings& settings, const Entry& entry, const std::optional<Answer>& answer) {
  int code = kOk;
  const auto body = told(settings, answer, "damctl " + entry.what + "s", code);
  if (!body) return code;
  const Style style(wants_colour(STDOUT_FILENO));
  show_diff_text(body->value("diff", ""));
  if (entry.dry_run) {
    std::cout << style.green("ok") << ": it would be applied. Nothing has changed.\n";
    return kOk;
  }
  say_outcome(*body, style);
  if (!entry.confirm_within.empty()) say_confirm(*body, entry.confirm_within, style);
  std::cout << body->value("config", "dam.yaml")
            << " is as it was: when it is changed and read again, this goes. To have it there too: "
               "damctl policy\n";
  return kOk;
}

}  // namespace

int add_entry(const Settings& settings, const Entry& entry) {
  Json keys = Json::object();
  for (const std::string& key : entry.keys) {
    if (!add_change(key, example_of(entry.what), keys)) return kUsage;
  }
  for (auto& [key, value] : keys.items()) value = value_of(value.get<std::string>());
  return tell(settings, entry, put(settings, path_of(entry), keys));
}

int remove_entry(const Settings& settings, const Entry& entry) {
  return tell(settings, entry, remove(settings, path_of(entry)));
}

}  // namespace dam::ctl

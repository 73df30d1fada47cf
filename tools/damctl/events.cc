// SPDX-License-Identifier: BSD-3-Clause
// What has happened, and what happens.
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/style.h"

namespace dam::ctl {

namespace {

std::string clock_time(int64_t unix_ms) {
  const time_t when = unix_ms / 1000;
  tm parts{};
  char text[32];
  localtime_r(&when, &parts);
  strftime(text, sizeof text, "%m-%d %H:%M:%S", &parts);
  return text;
}

void print_event(const Settings& settings, const Json& event, const Style& style) {
  if (settings.json) {
    std::cout << event.dump() << std::endl;
    return;
  }
  const auto count = event.value("count", uint64_t{1});
  std::string what = event.value("subject", "");
  const std::string reason = event.value("reason", "");
  if (!reason.empty()) what += (what.empty() ? "" : " ") + reason;
  if (!what.empty()) what += ": ";
  std::string kind = event.value("kind", "");
  kind.resize(std::max<size_t>(kind.size(), 10), ' ');
  std::cout << clock_time(event.value("at_ms", int64_t{0})) << "  " << style.bold(kind) << what
            << event.value("text", "")
            << (count > 1 ? " (" + std::to_string(count) + " times)" : "") << std::endl;
}

std::string query_of(const Watching& what) {
  std::string query;
  const auto add = [&query](const std::string& name, const std::string& value) {
    query += (query.empty() ? "?" : "&") + name + "=" + query_text(value);
  };
  if (!what.kind.empty()) add("kind", what.kind);
  if (what.count > 0 && !what.follow) add("count", std::to_string(what.count));
  return query;
}

// Until interrupted, or so many have come; a control plane that is restarted ends it.
int follow(const Settings& settings, const Watching& what, const Style& style) {
  int64_t left = what.count > 0 ? what.count : INT64_MAX;
  return stream(settings, "/v1/events/stream" + query_of(what), [&](const std::string& line) {
    if (!line.starts_with("data: ")) return true;
    print_event(settings, Json::parse(line.substr(6), nullptr, false), style);
    return --left > 0;
  });
}

}  // namespace

int show_events(const Settings& settings, const Watching& what) {
  const Style style(wants_colour(STDOUT_FILENO));
  if (what.follow) return follow(settings, what, style);
  const auto answer = get(settings, "/v1/events" + query_of(what));
  if (!answer) return kUnreachable;
  if (!answer->ok()) return show_refusal(*answer);
  const Json body = answer->json();
  for (const Json& event : body["events"]) print_event(settings, event, style);
  return kOk;
}

}  // namespace dam::ctl

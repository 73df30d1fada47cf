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
  if (what.after >= 0) add("after", std::to_string(what.after));
  if (what.count > 0 && !what.follow) add("count", std::to_string(what.count));
  return query;
}

// What a stream has said so far.
struct Heard {
  bool begun = false;
  bool ends = false;  // the next data says why
  std::string why;
  bool refused = false;
  int64_t last = -1;  // event's number
};

int say_end(const Heard& heard) {
  std::cerr << "damctl: the stream of events has ended: "
            << (heard.why.empty() ? "the connection broke" : heard.why) << ".\n";
  if (heard.refused) return kRefused;
  const std::string after =
      heard.last >= 0 ? " --after " + std::to_string(heard.last) : std::string();
  std::cerr << "  Go on where it ended: damctl events --follow" << after << "\n";
  return kUnreachable;
}

// Until interrupted, or so many have come. It does not come back by itself when it breaks: whoever
// reads it is to know that something may be missing.
int follow(const Settings& settings, const Watching& what, const Style& style) {
  int64_t left = what.count > 0 ? what.count : INT64_MAX;
  Heard heard;
  heard.last = what.after;
  const auto take = [&](const std::string& line) {
    heard.begun = true;
    if (line.starts_with("event: ")) heard.ends = line == "event: end";
    if (!line.starts_with("data: ")) return true;
    const Json data = Json::parse(line.substr(6), nullptr, false);
    if (!data.is_object()) return true;
    if (heard.ends) {
      heard.why = data.value("text", "");
      heard.refused = data.value("refused", false);
      return true;
    }
    heard.last = data.value("number", heard.last);
    print_event(settings, data, style);
    return --left > 0;
  };
  const int code = stream(settings, "/v1/events/stream" + query_of(what), take);
  if (left == 0) return kOk;
  return heard.begun ? say_end(heard) : code;
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

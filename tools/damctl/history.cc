// SPDX-License-Identifier: BSD-3-Clause
// The policy's versions, and back to one of them.
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/table.h"

namespace dam::ctl {

namespace {

std::string local_time(int64_t unix_s) {
  const time_t when = unix_s;
  tm parts{};
  char text[32];
  localtime_r(&when, &parts);
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

// What a change by POST without a body came to; the exit code.
int say_change(const Settings& settings, const std::string& path, const std::string& confirm_within,
               int64_t seen = 0) {
  const auto answer = post(settings, path, "", seen);
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return show_refusal(*answer);
  const Style style(wants_colour(STDOUT_FILENO));
  const Json body = answer->json();
  show_diff_text(body.value("diff", ""));
  say_outcome(body, style);
  if (!confirm_within.empty()) say_confirm(body, confirm_within, style);
  return kOk;
}

}  // namespace

int show_history(const Settings& settings) {
  return view(settings, "/v1/policy/versions?count=50", [](const Json& now, const Json&) {
    const int64_t running = now.value("running", int64_t{0});
    const Style style(wants_colour(STDOUT_FILENO));
    Table table({">version", "when", "who", "what"});
    for (const Json& one : now["versions"]) {
      const int64_t number = one.value("version", int64_t{0});
      const std::string mark = number == running ? " (in force)" : "";
      table.row({std::to_string(number), local_time(one.value("at", int64_t{0})),
                 one.value("author", ""), one.value("comment", "") + mark});
    }
    table.print(std::cout, style);
    if (now.contains("unconfirmed")) {
      std::cout << "Version " << running << " goes at "
                << local_time(now["unconfirmed"].value("deadline", int64_t{0}))
                << " unless you type: damctl confirm\n";
    }
  });
}

int show_diff(const Settings& settings, int64_t from, int64_t to) {
  std::string path = "/v1/policy/diff?";
  if (from > 0) path += "from=" + std::to_string(from) + "&";
  if (to > 0) path += "to=" + std::to_string(to);
  return view(settings, path, [](const Json& now, const Json&) {
    std::cout << "--- version " << now.value("from", 0) << "\n+++ version " << now.value("to", 0)
              << "\n";
    show_diff_text(now.value("diff", ""));
  });
}

int roll_back(const Settings& settings, int64_t to, const std::string& confirm_within) {
  std::string path = "/v1/policy/rollback?to=" + std::to_string(to);
  if (!confirm_within.empty()) path += "&confirm_within=" + query_text(confirm_within);
  return say_change(settings, path, confirm_within);
}

int confirm(const Settings& settings, int64_t version) {
  return say_change(settings, "/v1/policy/confirm", "", version);
}

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// Sources that behave alike: which there are, a ban of all of them, and the end of what is known of
// one.
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/table.h"
#include "tools/damctl/view_parts.h"

namespace dam::ctl {

namespace {

constexpr size_t kSharedInARow = 3;

std::string percent_text(double percent) { return short_number(percent) + "%"; }

std::string last_seen(const Json& source) {
  const auto ago = static_cast<int64_t>(std::time(nullptr)) - source.value("last", int64_t{0});
  return short_time(static_cast<double>(std::max<int64_t>(ago, 0)));
}

// "connection_gap 2000 ms, hello_1 0.32 hash"
std::string shared_text(const Json& source) {
  std::string text;
  size_t shown = 0;
  for (const Json& feature : source["share"]) {
    if (++shown > kSharedInARow) break;
    text += (text.empty() ? "" : ", ") + feature.value("feature", "") + " " +
            feature.value("value", "");
  }
  return text;
}

void print_sources(const Json& sources, const Style& style) {
  Table table(
      {"source", ">distance", ">windows", ">requests", ">connections", ">last", "they share"});
  for (const Json& source : sources) {
    const std::string spared = source.value("spared", "");
    table.row({source.value("source", ""), percent_text(source.value("distance", 0.0)),
               std::to_string(source.value("windows", 0)),
               short_number(source.value("requests", 0.0)),
               short_number(source.value("connections", 0.0)), last_seen(source),
               spared.empty() ? shared_text(source) : "spared: " + spared});
  }
  table.print(std::cout, style);
}

std::string query_of(const Alike& how) {
  std::string query = "?count=" + std::to_string(how.count);
  if (!how.within.empty()) query += "&within=" + query_text(how.within);
  if (!how.over.empty()) query += "&over=" + query_text(how.over);
  return query;
}

Json body_of(const Alike& how, const Banning& ban) {
  Json body = {{"to", how.address}};
  if (!how.within.empty()) body["within"] = how.within;
  if (!how.over.empty()) body["over"] = how.over;
  if (!ban.time.empty()) body["for"] = ban.time;
  if (!ban.reason.empty()) body["reason"] = ban.reason;
  return body;
}

bool is_wanted(size_t hit) {
  std::cout << "Ban these " << hit << "? [y/N] " << std::flush;
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "yes");
}

// Exactly those that were shown, or nobody.
int ban_shown(const Settings& settings, Json body, const Json& seen) {
  body["digest"] = seen["digest"];
  const auto answer = post_json(settings, "/v1/bans/similar", body);
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return show_refusal(*answer);
  const Json done = answer->json();
  std::cout << out_style().green("ok") << ": " << done.value("count", 0) << " sources are banned"
            << (done.value("in_force", false) ? "" : " as soon as the dataplane takes it") << ".\n";
  return kOk;
}

}  // namespace

int show_similar(const Settings& settings, const Alike& how) {
  return view(
      settings, "/v1/similar/" + how.address + query_of(how), [&](const Json& now, const Json&) {
        const Style style = out_style();
        std::cout << style.bold(now.value("source", "")) << ": " << now.value("windows", 0)
                  << " windows, the last " << last_seen(now) << " ago\n";
        if (how.all) {
          Table table({"feature", "value", "what it is"});
          for (const Json& one : now["behaviour"]) {
            table.row({one.value("feature", ""), one.value("value", ""), one.value("text", "")});
          }
          table.print(std::cout, style);
        }
        if (now["similar"].empty()) {
          std::cout << "Nobody is within " << percent_text(now.value("within", 0.0)) << " of it.\n";
        } else {
          print_sources(now["similar"], style);
        }
      });
}

int ban_similar(const Settings& settings, const Alike& how, const Banning& ban) {
  Json body = body_of(how, ban);
  Json asked = body;
  asked["dry_run"] = true;
  const auto answer = post_json(settings, "/v1/bans/similar", asked);
  if (!answer) return kUnreachable;
  if (!answer->ok()) return show_refusal(*answer);
  const Json seen = answer->json();
  const auto hit = seen.value("count", size_t{0});
  if (settings.json && ban.dry_run) std::cout << answer->body;
  if (!settings.json) {
    print_sources(seen["sources"], out_style());
    std::cout << "Within " << percent_text(seen.value("within", 0.0)) << ": a ban would hit " << hit
              << " of these.\n";
  }
  if (ban.dry_run) return kOk;
  if (!how.yes && isatty(STDIN_FILENO) == 1 && !is_wanted(hit)) {
    std::cout << "Nobody is banned.\n";
    return kRefused;
  }
  return ban_shown(settings, std::move(body), seen);
}

int forget_behaviour(const Settings& settings, const std::string& source) {
  const auto answer = remove(settings, "/v1/behaviour/" + source);
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return show_refusal(*answer);
  const Json gone = answer->json();
  std::cout << out_style().green("ok") << ": " << gone.value("windows", 0)
            << " windows of the behaviour of " << gone.value("source", "") << " are erased.\n";
  return kOk;
}

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// Bans of operators, and why somebody is kept out.
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/ban_words.h"
#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/table.h"

namespace dam::ctl {

namespace {

constexpr size_t kMostRows = 5000;  // in a table for people

// All pages, up to `most` bans.
std::optional<Json> all_bans(const Settings& settings, const std::string& origin, size_t most,
                             int& code) {
  Json all = {{"total", 0}, {"bans", Json::array()}, {"fingerprints", Json::array()}};
  std::string after;
  do {
    std::string path = "/v1/bans?count=1000";
    if (!origin.empty()) path += "&origin=" + query_text(origin);
    if (!after.empty()) path += "&after=" + query_text(after);
    const auto answer = get(settings, path);
    code = answer ? kRefused : kUnreachable;
    if (!answer) return std::nullopt;
    if (!answer->ok()) {
      code = show_refusal(*answer);
      return std::nullopt;
    }
    const Json page = answer->json();
    all["total"] = page["total"];
    all["fingerprints"] = page.value("fingerprints", Json::array());
    for (const Json& ban : page["bans"]) all["bans"].push_back(ban);
    after = page.value("next", "");
  } while (!after.empty() && all["bans"].size() < most);
  return all;
}

}  // namespace

int ban(const Settings& settings, const Banning& how) {
  int code = kOk;
  const auto made = ask_to_ban(settings, {{"source", how.source}}, how, code);
  if (!made) return code;
  show_warnings(*made);
  if ((*made)["bans"].empty()) return kRefused;
  const Json& one = (*made)["bans"][0];
  const int times = one.value("times", 1);
  say_in_force(*made, one.value("source", "") + " is banned " +
                          (one.contains("until") ? "for " + time_left(one) : "for ever") +
                          (times > 1 ? ", the " + std::to_string(times) + ". time in a row" : ""));
  return kOk;
}

int unban(const Settings& settings, const std::string& source) {
  const auto answer = remove(settings, "/v1/bans/" + source);
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return refused_bans(*answer, "damctl", "");
  const Json body = answer->json();
  show_warnings(body);
  const bool known = body.value("count", 1) > 0;
  say_in_force(body, source + " is banned no more" + (known ? "" : ", if it was"));
  return kOk;
}

int show_bans(const Settings& settings, const std::string& origin) {
  int code = kOk;
  const auto all = all_bans(settings, origin, settings.json ? SIZE_MAX : kMostRows, code);
  if (!all) return code;
  if (settings.json) {
    std::cout << all->dump(2) << "\n";
    return kOk;
  }
  const Style style(wants_colour(STDOUT_FILENO));
  Table table({"source", ">left", ">times", "origin", "by", "reason"});
  for (const char* of : {"fingerprints", "bans"}) {
    for (const Json& ban : (*all)[of]) {
      table.row({ban.value("source", ban.value("ja4", "")), time_left(ban),
                 std::to_string(ban.value("times", 1)), ban.value("origin", ""),
                 ban.value("author", ""), ban.value("reason", "")});
    }
  }
  table.print(std::cout, style);
  const size_t shown = (*all)["bans"].size();
  const auto total = all->value("total", size_t{0});
  if (shown < total && origin.empty()) {
    std::cout << style.dim(std::to_string(total - shown) + " more: damctl bans export\n");
  }
  return kOk;
}

int import_bans(const Settings& settings, const Banning& how) {
  std::ostringstream text;
  if (how.source == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream in(how.source, std::ios::binary);
    text << in.rdbuf();
    if (!in) {
      std::cerr << "damctl: " << how.source << " cannot be read.\n";
      return kRefused;
    }
  }
  std::string path = std::string("/v1/bans/import?force=") + (how.force ? "1" : "0");
  if (!how.time.empty()) path += "&for=" + query_text(how.time);
  if (!how.reason.empty()) path += "&reason=" + query_text(how.reason);
  const auto answer = post(settings, path, text.str());
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return refused_bans(*answer, how.source, text.str());
  const Json body = answer->json();
  show_warnings(body, how.source, text.str());
  say_in_force(body, (body.contains("skipped") ? "" : "all ") +
                         std::to_string(body.value("count", 0)) + " of the list are banned");
  return kOk;
}

int export_bans(const Settings& settings) {
  const auto answer = get(settings, "/v1/bans/export");
  if (!answer) return kUnreachable;
  if (!answer->ok()) return show_refusal(*answer);
  std::cout << answer->body;
  return kOk;
}

namespace {

void print_buckets(const Json& zones, const Style& style) {
  Table table({"zone", "source", "bucket", ">used", ">one more in"});
  for (const Json& zone : zones) {
    const std::string name = zone.value("zone", "");
    for (const Json& bucket : zone["buckets"]) {
      const auto wait_ms = bucket.value("wait_ms", 0.0);
      table.row({name, zone.value("source", ""), bucket.value("bucket", ""),
                 std::to_string(bucket.value("used_percent", 0)) + "%",
                 wait_ms > 0 ? short_number(wait_ms) + "ms" : "now"});
    }
    std::string most = zone.contains("connections_most")
                           ? " of " + std::to_string(zone.value("connections_most", 0))
                           : "";
    table.row({name, "", "open", std::to_string(zone.value("connections", 0)) + most, ""});
    if (!zone.contains("violations_most")) continue;
    table.row({name, "", "violations",
               std::to_string(zone.value("violations", 0)) + " of " +
                   std::to_string(zone.value("violations_most", 0)),
               ""});
  }
  table.print(std::cout, style);
}

void print_drops(const Json& drops, const Style& style) {
  if (drops.empty()) return;
  Table table({"refused", "zone", ">about", ">ago", "why"});
  for (const Json& drop : drops) {
    const std::string forged = drop.value("proven", false) ? "" : " (the address may be forged)";
    const std::string kind = drop.contains("ja4") ? ", by " + drop.value("ja4", "") : "";
    table.row({drop.value("reason", ""), drop.value("zone", ""),
               short_number(drop.value("count", 0.0)), short_time(drop.value("ago_ms", 0.0) / 1000),
               drop.value("text", "") + forged + kind});
  }
  table.print(std::cout, style);
}

}  // namespace

int explain(const Settings& settings, const std::string& address) {
  return view(settings, "/v1/explain/" + address, [](const Json& now, const Json&) {
    const Style style(wants_colour(STDOUT_FILENO));
    std::cout << style.bold(now.value("address", "")) << ": " << now.value("verdict", "") << "\n";
    std::cout << "let in: " << now.value("let_in", "")
              << "; open connections: " << now.value("connections", 0) << "\n";
    for (const Json& ban : now["bans"]) {
      std::cout << "ban: " << ban.value("source", "") << " (" << ban.value("origin", "") << ", by "
                << ban.value("author", "") << ", left: " << time_left(ban) << ") "
                << ban.value("reason", "") << "\n";
    }
    print_drops(now["drops"], style);
    if (!now["zones"].empty()) print_buckets(now["zones"], style);
  });
}

}  // namespace dam::ctl

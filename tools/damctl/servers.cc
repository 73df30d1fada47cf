// SPDX-License-Identifier: BSD-3-Clause
#include <charconv>
#include <ctime>
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"
#include "tools/damctl/style.h"
#include "tools/damctl/view_parts.h"

namespace dam::ctl {

namespace {

// One word for what a new connection finds.
std::string state_text(const Json& server) {
  std::string state = server.value("state", "enabled");
  if (state != "enabled") return state;
  if (!server.contains("up")) return "unknown";
  const auto verdict = server.value("/health/verdict"_json_pointer, std::string());
  if (!server.value("up", false) || verdict == "down") return "DOWN";
  return verdict == "unchecked" ? "up, unchecked" : "up";
}

std::string check_text(const Json& server) {
  if (!server.contains("health")) return "";
  const Json& health = server["health"];
  if (!health.contains("last")) return "not yet";
  const Json& last = health["last"];
  const int64_t age = std::time(nullptr) - last.value("at", int64_t{0});
  const auto ms = static_cast<int>(last.value("seconds", 0.0) * 1000);
  std::string text = last.value("well", false) ? "well" : "FAILED";
  if (health.value("verdict", "") == "unchecked") text = "unchecked";
  return text + ", " + std::to_string(ms) + " ms, " + short_time(static_cast<double>(age)) + " ago";
}

std::string certificate_text(const Json& server) {
  const int64_t ends = server.value("/health/certificate_ends_at"_json_pointer, int64_t{0});
  if (ends == 0) return "";
  const int64_t left = ends - std::time(nullptr);
  return left < 0 ? "EXPIRED" : short_time(static_cast<double>(left));
}

std::string weight_text(const Json& server) {
  const int weight = server.value("weight", 0);
  const int policy = server.value("policy_weight", weight);
  std::string text = std::to_string(weight);
  if (weight != policy) text += " (" + std::to_string(policy) + ")";
  return text;
}

void show_words(const Json& server, const Style& style) {
  if (!server.contains("health")) return;
  const std::string name = server.value("name", "");
  const Json& health = server["health"];
  for (const Json& finding : health["findings"]) {
    const std::string message = finding.value("message", "");
    std::cout << "\n"
              << (finding.value("fails", false) ? style.red(name) : style.yellow(name)) << ": "
              << message << "\n  " << finding.value("hint", "") << "\n";
  }
  const bool failed = health.contains("last") && !health["last"].value("well", true);
  if (failed && health["findings"].empty()) {
    std::cout << "\n" << style.red(name) << ": " << health["last"].value("words", "") << "\n";
  }
}

void show_table(const Json& now, const Json& before) {
  const double seconds = seconds_between(now, before);
  const std::string each = seconds > 0 ? "/s" : "";
  Table table({"server", "state", "addresses", ">port", "proxy", ">weight", "check", ">certificate",
               ">mss", "tcp options", ">opened" + each, ">open", ">failed" + each});
  for (const Json& server : now["servers"]) {
    const std::string name = server.value("name", "");
    Growth g(server, before.is_null() ? before : entry_named(before["servers"], name));
    g.span(seconds);
    const bool known = server.contains("up");
    table.row({name, state_text(server), joined(server["addresses"]),
               std::to_string(server.value("port", 0)), server.value("proxy", ""),
               weight_text(server), check_text(server), certificate_text(server),
               known ? std::to_string(server.value("mss", 0)) : "",
               known ? joined(server["tcp_options"]) : "",
               short_number(g.of("/connections_opened")),
               short_number(number_at(server, "/connections_open")),
               short_number(g.of("/connect_failures"))});
  }
  table.print(std::cout, out_style());
}

// state=drain, weight=3 into the object; false after saying what is wrong.
bool add_word(const std::string& text, Json& words) {
  const size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (key == "state" && (value == "enable" || value == "drain" || value == "disable")) {
    words[key] = value;
    return true;
  }
  uint32_t weight = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), weight);
  if (key == "weight" && !value.empty() && error == std::errc{} &&
      stop == value.data() + value.size()) {
    words[key] = weight;
    return true;
  }
  std::cerr << "damctl: \"" << text << "\" is not state=enable|drain|disable or weight=NUMBER.\n"
            << "  E.g. damctl server set web-1 state=drain\n"
            << "  weight=0: what dam.yaml says.\n";
  return false;
}

}  // namespace

int show_servers(const Settings& settings) {
  return view(settings, "/v1/servers", [](const Json& now, const Json& before) {
    show_table(now, before);
    for (const Json& server : now["servers"]) show_words(server, out_style());
  });
}

int set_server(const Settings& settings, const std::string& server,
               const std::vector<std::string>& arguments) {
  Json words = Json::object();
  for (const std::string& argument : arguments) {
    if (!add_word(argument, words)) return kUsage;
  }
  int code = kOk;
  const auto body = patched(settings, "/v1/servers/" + server, words, "damctl servers", code);
  if (!body) return code;
  const Style style = out_style();
  if (body->value("outcome", "") == "applied") {
    std::cout << style.green("applied") << ": it stays so until you say otherwise.\n";
  } else {
    std::cout << style.yellow("waiting")
              << ": kept; the dataplane does not answer, and hears of it as soon as it does.\n";
  }
  if (words.value("state", "") == "drain") {
    std::cout << "Connections that are still open: damctl servers --watch\n";
  }
  return kOk;
}

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
#include <ctime>
#include <iostream>
#include <utility>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/rates.h"
#include "tools/damctl/view_parts.h"

namespace dam::ctl {

namespace {

void status_of_dataplane(const Json& d, const Style& style) {
  std::cout << style.bold("dataplane  ");
  if (!d.value("connected", false)) {
    std::cout << style.red("not connected") << ": " << d.value("trouble", "")
              << "\n           Is it running? pgrep -a dam-dataplane\n";
    return;
  }
  std::cout << style.green("connected") << ", " << d.value("driver", "no driver yet");
  if (d.contains("start_unix")) {
    const auto up = static_cast<double>(std::time(nullptr) - d.value("start_unix", int64_t{0}));
    std::cout << ", up " << short_time(up) << ", heartbeat " << d.value("heartbeat_age_ms", 0)
              << " ms ago";
  }
  std::cout << "\n";
  const std::string reason = d.value("driver_reason", "");
  if (!reason.empty()) std::cout << "           " << style.dim("driver: auto: " + reason) << "\n";
  const std::string trouble = d.value("trouble", "");
  if (!trouble.empty()) std::cout << "           " << style.red(trouble) << "\n";
  if (d.value("restart_needed", false)) {
    std::cout << "           " << style.yellow("restart needed")
              << ": interfaces, limits or workers differ: restart dam-dataplane\n";
  }
}

void status_of_policy(const Json& policy, const Json& dataplane, const Style& style) {
  std::cout << style.bold("policy     ");
  if (!policy.value("loaded", false)) {
    std::cout << style.red("none") << "\n";
    return;
  }
  const double age =
      static_cast<double>(std::time(nullptr) - policy.value("applied_at", int64_t{0}));
  std::cout << "version " << policy.value("version", 0) << " by " << policy.value("author", "")
            << ", " << short_time(age) << " ago; the dataplane has its "
            << dataplane.value("policy_version", 0) << "\n";
  if (policy.contains("confirm_until")) {
    const auto left = policy.value("confirm_until", int64_t{0}) - std::time(nullptr);
    std::cout << "           "
              << style.yellow("goes in " + short_time(static_cast<double>(left)) +
                              " unless you type: damctl confirm")
              << "\n";
  }
  const Json& changes = policy["changes"];
  if (changes.empty()) return;
  std::cout << "           " << changes.size()
            << " changed since, one by one; damctl policy shows them\n";
}

std::string speed_text(double mbit) {
  if (mbit <= 0) return "-";
  return mbit < 1000 ? std::to_string(static_cast<int>(mbit)) + "M"
                     : short_number(mbit / 1000) + "G";
}

void status_of_interfaces(const Json& now, const Style& style) {
  if (!now.contains("interfaces")) return;
  Table table({"interface", "device", ">vlan", "link", ">speed", ">mtu", ">queues", "steering"});
  for (const Json& one : now["interfaces"]) {
    const int vlan = one.value("vlan", 0);
    const bool up = one.value("link_up", false);
    table.row({one.value("name", ""), one.value("device", ""),
               vlan == 0 ? "-" : std::to_string(vlan), up ? "up" : "down",
               speed_text(number_at(one, "/speed_mbit")), std::to_string(one.value("mtu", 0)),
               std::to_string(one.value("queues", 0)), one.value("steering", "")});
  }
  std::cout << "\n";
  table.print(std::cout, style);
}

void status_of_tables(const Json& now, const Style& style) {
  if (!now.contains("tables")) return;
  Table table({"table", ">used", ">capacity", ">full"});
  for (const auto& [name, entry] : now["tables"].items()) {
    const double used = number_at(entry, "/used");
    const double capacity = number_at(entry, "/capacity");
    const double percent = capacity > 0 ? 100 * used / capacity : 0;
    table.row({name, short_number(used), short_number(capacity),
               std::to_string(static_cast<int>(percent)) + "%"});
  }
  std::cout << "\n";
  table.print(std::cout, style);
}

void status_of_workers(const Json& now, const Json& before, const Style& style) {
  if (!now.contains("workers")) return;
  const double seconds = seconds_between(now, before);
  const char* each = seconds > 0 ? "/s" : "";
  Table table({"worker", std::string(">received") + each, std::string(">sent") + each, ">busy"});
  for (size_t w = 0; w < now["workers"].size(); ++w) {
    const std::string at = "/workers/" + std::to_string(w);
    Growth growth(now, before);
    growth.span(seconds);
    const double busy = growth.of(at + "/busy_cycles");
    const double cycles = busy + growth.of(at + "/idle_cycles");
    // The kernel's packets cost the time of whoever was interrupted: nobody counts it.
    const std::string name = now["workers"][w].value("name", std::to_string(w));
    const int percent = cycles > 0 ? static_cast<int>(100 * busy / cycles) : 0;
    table.row({name, short_number(growth.of(at + "/rx_packets")),
               short_number(growth.of(at + "/tx_packets")),
               name == "kernel" ? "-" : std::to_string(percent) + "%"});
  }
  std::cout << "\n";
  table.print(std::cout, style);
}

void status_of_https(const Json& https, const Style& style) {
  if (!https.is_object()) return;
  std::cout << style.bold("https") << "      " << https.value("address", "") << "\n";
  for (const char* what : {"trouble", "warning"}) {
    const std::string text = https.value(what, "");
    if (!text.empty()) std::cout << "           " << style.yellow(text) << "\n";
  }
}

}  // namespace

int show_status(const Settings& settings) {
  return view(settings, "/v1/status", [](const Json& now, const Json& before) {
    const Style style = out_style();
    status_of_dataplane(now["dataplane"], style);
    status_of_policy(now["policy"], now["dataplane"], style);
    status_of_https(now.value("https", Json()), style);
    status_of_interfaces(now, style);
    status_of_tables(now, style);
    status_of_workers(now, before, style);
  });
}

namespace {

// One row for each limit; the zone's name and action stand in its first.
void print_limits(const Json& zones, const Style& style) {
  Table table({"zone", "exceeded", "limit", "value"});
  for (const Json& zone : zones) {
    std::string name = zone.value("name", "");
    std::string exceeded = zone.value("exceeded", "");
    const std::string by = zone.value("key", "source");
    if (by != "source") name += " (by " + by + ")";
    for (const char* scope : {"per_source", "total"}) {
      for (const auto& [key, value] : zone[scope].items()) {
        if (value == "none") continue;
        table.row({std::exchange(name, ""), std::exchange(exceeded, ""),
                   std::string(scope) + "." + key, value.get<std::string>()});
      }
    }
    if (!name.empty()) table.row({name, exceeded, "none", ""});
  }
  table.print(std::cout, style);
}

void print_zones(const Json& now, const Json& before) {
  const Style style = out_style();
  const double seconds = seconds_between(now, before);
  const std::string each = seconds > 0 ? "/s" : "";
  Table table({"zone", "mode", ">up" + each, ">down" + each, ">bytes up" + each,
               ">bytes down" + each, ">opened" + each, ">open", ">held back" + each,
               ">shadow" + each, ">bans" + each});
  for (const Json& zone : now["zones"]) {
    const std::string name = zone.value("name", "");
    const Json& old = before.is_null() ? before : entry_named(before["zones"], name);
    Growth g(zone, old);
    g.span(seconds);
    table.row({name, zone.value("mode", ""), short_number(g.of("/counters/packets_up")),
               short_number(g.of("/counters/packets_down")),
               short_bytes(g.of("/counters/bytes_up")), short_bytes(g.of("/counters/bytes_down")),
               short_number(g.of("/counters/connections_opened")),
               short_number(number_at(zone, "/counters/connections_open")),
               short_number(g.of("/counters/dropped")),
               short_number(g.of("/counters/shadow_exceeded")),
               short_number(g.of("/counters/bans"))});
  }
  table.print(std::cout, style);
  std::cout << "\n";
  print_limits(now["zones"], style);
}

std::string conditions_text(const Json& route) {
  std::string text = joined(route["server_names"]);
  const auto append = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (route.value("absent_server_name", false)) append("no server name");
  if (!route["alpn"].empty()) append("alpn " + joined(route["alpn"], "|"));
  if (!route["ja4"].empty()) append("ja4 " + joined(route["ja4"], "|"));
  if (!route.value("path", "").empty()) append("path " + route.value("path", ""));
  if (!route["sources"].empty()) append("from " + joined(route["sources"]));
  return text.empty() ? "everything" : text;
}

std::string listener_text(const Json& listener) {
  if (listener.is_null()) return "";
  return listener.value("name", "") + " (" + listener.value("protocol", "") + " " +
         std::to_string(listener.value("port", 0)) + ")";
}

}  // namespace

int show_zones(const Settings& settings) { return view(settings, "/v1/zones", print_zones); }

int show_routes(const Settings& settings) {
  return view(settings, "/v1/routes", [](const Json& now, const Json&) {
    Table table({"route", "listener", "takes", "zone", "servers", "fallback"});
    for (const Json& route : now["routes"]) {
      table.row({route.value("name", ""), listener_text(route["listener"]), conditions_text(route),
                 route.value("zone", ""), joined(route["servers"]), route.value("fallback", "")});
    }
    table.print(std::cout, out_style());
  });
}

namespace {

void print_drops(const Json& now, const Json& before, bool explain) {
  const double seconds = seconds_between(now, before);
  std::vector<std::string> headers = {"zone", "reason", seconds > 0 ? ">packets/s" : ">packets"};
  if (explain) headers.emplace_back("meaning");
  Table table(headers);
  for (const auto& [zone, drops] : now["drops"].items()) {
    for (const auto& [reason, count] : drops.items()) {
      Growth g(now, before);
      g.span(seconds);
      std::vector<std::string> cells = {zone, reason,
                                        short_number(g.of("/drops/" + zone + "/" + reason))};
      if (explain) cells.push_back(now["reasons"].value(reason, ""));
      table.row(cells);
    }
  }
  table.print(std::cout, out_style());
}

}  // namespace

int show_drops(const Settings& settings, bool explain) {
  return view(settings, "/v1/drops", [explain](const Json& now, const Json& before) {
    print_drops(now, before, explain);
  });
}

int show_metrics(const Settings& settings) {
  const auto answer = get(settings, "/metrics");
  if (!answer) return kUnreachable;
  if (!answer->ok()) return show_refusal(*answer);
  if (settings.json) {
    std::cout << Json{{"text", answer->body}}.dump(2) << "\n";
  } else {
    std::cout << answer->body;
  }
  return kOk;
}

int show_policy(const Settings& settings) {
  return view(settings, "/v1/policy", [](const Json& now, const Json&) {
    std::cout << now.value("text", "");
    const std::string changes = now.value("changes_yaml", "");
    if (!changes.empty()) std::cout << "\n# Changed since, one by one:\n" << changes;
  });
}

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/watch_frame.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "controlplane/capture/comment.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/policy/quantity.h"
#include "tools/damctl/view_parts.h"
#include "tools/damctl/watch_row.h"

namespace dam::ctl {

namespace {

constexpr double kNear = 0.8;  // of the limit
constexpr size_t kWide = 72, kWidest = 100;
constexpr double kLate_s = 3;
constexpr size_t kMostTroubleLines = 3;
constexpr int kHeartbeatLate_ms = 3000;

using Lines = std::vector<std::string>;

// A part of the picture: a heading, and rows of which those that matter most come first.
struct Part {
  std::string heading;
  Lines rows;
};

// How full a zone is: the share of the limit that it is closest to.
struct Level {
  std::optional<double> share;
  std::string of;
};

Level level_of(const Json& zone, const Growth& growth) {
  Level level;
  const auto note = [&level](double used, double limit, const char* of) {
    if (limit <= 0 || (level.share && *level.share >= used / limit)) return;
    level = {used / limit, of};
  };
  const Json& total = zone["total"];
  const auto rate = [&total](const char* key, auto parse) {
    const auto parsed = parse(total.value(key, "none"));
    return parsed.value ? parsed.value->per_second : 0.0;
  };
  note(growth.of("/counters/packets_up"), rate("packets", control::parse_event_rate), "packets");
  note(growth.of("/counters/bytes_up"), rate("bytes_up", control::parse_byte_rate), "bytes up");
  note(growth.of("/counters/bytes_down"), rate("bytes_down", control::parse_byte_rate),
       "bytes down");
  note(growth.of("/counters/connections_opened"), rate("connections", control::parse_event_rate),
       "new connections");
  note(growth.of("/counters/requests"), rate("requests", control::parse_event_rate), "requests");
  const auto most = control::parse_count(total.value("concurrent", "none"));
  note(number_at(zone, "/counters/connections_open"),
       most.value ? static_cast<double>(*most.value) : 0, "connections");
  return level;
}

// Refused by its buckets, in each second.
double held_back(const Growth& growth) {
  double sum = 0;
  for (int reason = 0; reason < DAM_DROP_COUNT; ++reason) {
    if (control::bucket_of(reason).empty()) continue;
    sum += growth.of(std::string("/counters/drops/") + control::drop_name(reason));
  }
  return sum;
}

std::string percent(double share) {
  const double value = std::min(std::round(100 * share), 999.0);
  return std::to_string(static_cast<int>(value)) + "%";
}

// "[~~~~~~    ]": the water behind the dam.
std::string bar_of(const Level& level, size_t width) {
  const size_t inside = width - 2;
  if (!level.share)
    return "[" + std::string("no total limit").substr(0, inside) +
           std::string(inside - std::min<size_t>(inside, 14), ' ') + "]";
  const double full = std::clamp(*level.share, 0.0, 1.0) * static_cast<double>(inside);
  const auto water = static_cast<size_t>(std::ceil(full));
  return "[" + std::string(water, '~') + std::string(inside - water, ' ') + "]";
}

size_t longest_name(const Json& list, size_t most) {
  size_t longest = 6;
  for (const Json& one : list) longest = std::max(longest, one.value("name", "").size());
  return std::min(longest, most);
}

// Widths of the zones' columns.
struct ZoneColumns {
  size_t all, name, bar;
  bool wide, widest;

  ZoneColumns(size_t columns, const Json& zones)
      : all(columns),
        name(longest_name(zones, columns < kWide ? 9 : 20)),
        bar(10),
        wide(columns >= kWide),
        widest(columns >= kWidest) {
    // The sign, the name, the share, what is held back, what is dropped, and the spaces.
    const size_t rest = 2 + name + 1 + 1 + 5 + 6 + 6 + (wide ? 27 : 0) + (widest ? 24 : 0);
    if (columns > rest + bar) bar = std::min<size_t>(columns - rest, 40);
  }
};

std::string zone_row(const Json& zone, const Json& old, double seconds, const ZoneColumns& width,
                     const Style& style) {
  Growth growth(zone, old);
  growth.span(seconds > 0 ? seconds : 1);  // at first nothing has grown
  const Level level = level_of(zone, growth);
  const double held = held_back(growth);
  const bool shadow = zone.value("mode", "") == "shadow";
  const double share = level.share.value_or(0);
  const bool near = share >= kNear;
  const Paint paint = held > 0 ? Paint::red : near ? Paint::yellow : Paint::plain;
  Row row(width.all, style);
  row.add(held > 0 ? "! " : near ? "^ " : shadow ? "s " : "  ", paint);
  row.cell(zone.value("name", ""), width.name, paint);
  row.cell(bar_of(level, width.bar), width.bar, paint == Paint::plain ? Paint::green : paint);
  row.number(level.share ? percent(share) : "-", 4, paint);
  row.number(short_number(held), 5, held > 0 ? Paint::red : Paint::plain);
  row.number(short_number(growth.of("/counters/dropped")), 5);
  if (width.wide) {
    row.number(short_bytes(growth.of("/counters/bytes_up")), 8);
    row.number(short_bytes(growth.of("/counters/bytes_down")), 8);
    row.number(short_number(number_at(zone, "/counters/connections_open")), 8);
  }
  if (width.widest) {
    row.number(short_number(growth.of("/counters/connections_opened")), 6);
    row.add(shadow ? "shadow" : level.of);
  }
  return row.text();
}

// Policy order; where not all have room, those that hold back most are to be seen.
Part zones_part(const Picture& picture, size_t columns, const Style& style) {
  const Json& now = picture.state.now.zones;
  const Json& before = picture.state.before.zones;
  const ZoneColumns width(columns, now["zones"]);
  Row heading(columns, style);
  heading.cell("  ZONES", width.name + 2, Paint::bold).cell("LEVEL", width.bar, Paint::bold);
  heading.add("     ").number("held", 5, Paint::bold).number("drop/s", 5, Paint::bold);
  if (width.wide) {
    heading.number("up/s", 7, Paint::bold).number("down/s", 8, Paint::bold);
    heading.number("open", 8, Paint::bold);
  }
  if (width.widest) heading.number("new/s", 6, Paint::bold).add("level of", Paint::bold);
  Part part{heading.text(), {}};
  const double seconds = seconds_between(now, before);
  for (const Json& zone : now["zones"]) {
    const std::string zone_name = zone.value("name", "");
    const Json& old = before.is_null() ? before : entry_named(before["zones"], zone_name);
    part.rows.push_back(zone_row(zone, old, seconds, width, style));
  }
  return part;
}

struct ServerWord {
  const char* sign;
  std::string text;
  Paint paint;
};

ServerWord word_of(const Json& server) {
  const std::string said = server.value("state", "enabled");
  if (said != "enabled") return {"- ", said, Paint::yellow};
  if (!server.contains("up")) return {"? ", "unknown", Paint::yellow};
  const auto verdict = server.value("/health/verdict"_json_pointer, std::string());
  if (!server.value("up", false) || verdict == "down") return {"x ", "DOWN", Paint::red};
  return {"  ", verdict == "unchecked" ? "up (?)" : "up", Paint::green};
}

Part servers_part(const Picture& picture, size_t columns, const Style& style) {
  const Json& now = picture.state.now.servers;
  const Json& before = picture.state.before.servers;
  const size_t name = longest_name(now["servers"], columns < kWide ? 11 : 24);
  Row heading(columns, style);
  heading.cell("  SERVERS", name + 2, Paint::bold).cell("", 8);
  heading.number("open", 6, Paint::bold).number("new/s", 5, Paint::bold);
  heading.number("fail/s", 5, Paint::bold);
  Part part{heading.text(), {}};
  const double seconds = seconds_between(now, before);
  for (const Json& server : now["servers"]) {
    const std::string server_name = server.value("name", "");
    const Json& old = before.is_null() ? before : entry_named(before["servers"], server_name);
    Growth growth(server, old);
    growth.span(seconds > 0 ? seconds : 1);
    const ServerWord word = word_of(server);
    Row row(columns, style);
    row.add(word.sign, word.paint).cell(server_name, name);
    row.cell(word.text, 8, word.paint);
    row.number(short_number(number_at(server, "/connections_open")), 6);
    row.number(short_number(growth.of("/connections_opened")), 5);
    row.number(short_number(growth.of("/connect_failures")), 5);
    const Json findings = server.value("/health/findings"_json_pointer, Json::array());
    if (!findings.empty()) row.add(findings[0].value("message", ""), Paint::yellow);
    part.rows.push_back(row.text());
  }
  return part;
}

// Those who have sent most lately, and how far off that may be: by the sketch's bound, and by
// sampling.
Part sources_part(const Picture& picture, size_t columns, const Style& style) {
  Part part;
  const Json& top = picture.state.now.top;
  if (!top.is_object() || !top.contains("sources")) return part;
  const std::string by = top.value("by", "");
  const auto text = [&by](double value) {
    return by == "bytes" ? short_bytes(value) : short_number(value);
  };
  const size_t client = std::min<size_t>(columns - 18, 40);
  Row heading(columns, style);
  heading.cell("  TOP SOURCES", client + 2, Paint::bold).add(by + "/s", Paint::bold);
  part.heading = heading.text();
  const double seconds = number_at(top, "/span_ms") / 1000;
  for (const Json& source : top["sources"]) {
    Row row(columns, style);
    row.add("  ").cell(source.value("client", source.value("ja4", "")), client);
    row.number(text(number_at(source, "/per_second")), 8);
    const double error = number_at(source, "/error") + number_at(source, "/sampling");
    if (error > 0 && seconds > 0) row.add("+-" + text(error / seconds), Paint::dim);
    part.rows.push_back(row.text());
  }
  return part;
}

std::string first_line(const Picture& picture, size_t columns, const Style& style) {
  Row row(columns, style);
  row.add("Traffic Dam ", Paint::bold).add(picture.clock + " ");
  if (picture.paused) row.add("PAUSED ", Paint::yellow);
  const std::string age = short_time(picture.age_s);
  if (!picture.state.trouble.empty()) {
    row.add("NO ANSWER", Paint::red).add(picture.age_s > 0 ? " for " + age : "", Paint::red);
  } else if (!picture.paused && picture.age_s > picture.every_s + kLate_s) {
    row.add("the answer is late: " + age, Paint::yellow);
  }
  return row.text();
}

std::string dataplane_line(const Picture& picture, size_t columns, const Style& style) {
  const Json& status = picture.state.now.status;
  const Json& dataplane = status["dataplane"];
  const Json& policy = status["policy"];
  Row row(columns, style);
  const auto late_ms = static_cast<int>(number_at(dataplane, "/heartbeat_age_ms"));
  if (!dataplane.value("connected", false)) {
    row.add("dataplane AWAY", Paint::red);
  } else if (late_ms > kHeartbeatLate_ms) {
    row.add("dataplane HANGS (" + std::to_string(late_ms / 1000) + "s)", Paint::red);
  } else {
    row.add("dataplane up", Paint::green).add(" " + dataplane.value("driver", ""));
  }
  row.add("  policy " + std::to_string(policy.value("version", 0)));
  if (policy.contains("confirm_until")) row.add(" unconfirmed", Paint::yellow);
  row.add("  bans " + short_number(number_at(picture.state.now.bans, "/total")));
  if (dataplane.value("restart_needed", false)) row.add("  restart needed", Paint::yellow);
  return row.text();
}

std::string keys_line(const Picture& picture, size_t columns, const Style& style) {
  char every[16];
  std::snprintf(every, sizeof every, "%.3g", picture.every_s);
  Row row(columns, style);
  row.add(std::string("q quit p pause b rank space now +/- ") + every + "s", Paint::dim);
  if (row.left() > 44) row.add("   ! holds back  ^ nearly full  s shadow", Paint::dim);
  return row.text();
}

// Each part gets its rows where there is room; those before others first, which keep three lines.
void append(Lines& lines, const std::vector<Part>& parts, size_t rows) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    if (part.rows.empty() || lines.size() + 2 > rows) continue;
    size_t later = 0;
    for (size_t j = i + 1; j < parts.size(); ++j) {
      later += parts[j].rows.empty() ? 0 : std::min<size_t>(parts[j].rows.size(), 2) + 1;
    }
    lines.push_back(part.heading);
    const size_t left = rows - lines.size();
    size_t count = std::min(part.rows.size(), left > later ? left - later : 1);
    const bool cut = count < part.rows.size();
    if (cut && count > 1) --count;
    lines.insert(lines.end(), part.rows.begin(),
                 part.rows.begin() + static_cast<std::ptrdiff_t>(count));
    if (cut && lines.size() < rows) {
      lines.push_back("  ... " + std::to_string(part.rows.size() - count) + " more");
    }
  }
}

}  // namespace

std::vector<std::string> draw(const Picture& picture, const ScreenSize& size, const Style& style) {
  const size_t columns = size.columns;
  Lines lines = {first_line(picture, columns, style)};
  if (!picture.state.trouble.empty()) {
    const std::string& words = picture.state.trouble;
    for (size_t at = 0; at < words.size() && lines.size() <= kMostTroubleLines; at += columns) {
      lines.push_back(Row(columns, style).add(words.substr(at, columns), Paint::red).text());
    }
  }
  const size_t rows = std::max<size_t>(size.rows, 3) - 1;
  if (!picture.state.now.status.is_null() && columns >= 20) {
    lines.push_back(dataplane_line(picture, columns, style));
    append(lines,
           {zones_part(picture, columns, style), servers_part(picture, columns, style),
            sources_part(picture, columns, style)},
           rows);
  }
  lines.resize(rows);
  lines.push_back(keys_line(picture, columns, style));
  return lines;
}

}  // namespace dam::ctl

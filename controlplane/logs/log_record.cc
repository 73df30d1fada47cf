// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_record.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "controlplane/dataplane_link/counters_reader.h"
#include "dataplane/core/drop_reason.h"

namespace dam::control {

namespace {

constexpr const char* kShadow = "shadow";  // an event's reason where nothing was refused
constexpr size_t kMostTextBytes = 1000;
constexpr int64_t kNsOfSecond = 1'000'000'000;

std::string time_text(int64_t unix_ns) {
  const std::time_t seconds = unix_ns / kNsOfSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char day[32];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  char milliseconds[16];
  std::snprintf(milliseconds, sizeof milliseconds, ".%03dZ",
                static_cast<int>(unix_ns % kNsOfSecond / 1'000'000));
  return std::string(day) + milliseconds;
}

// Refusals that the dataplane's log tells of no one: they are of no one's packets.
bool is_of_no_one(const std::string& reason) {
  return reason == drop_name(DAM_DROP_no_buffer) || reason == drop_name(DAM_DROP_tx_full) ||
         reason == drop_name(DAM_DROP_handoff_full) || reason == drop_name(DAM_DROP_no_dataplane);
}

// Not amid a character.
std::string shortened(const std::string& text) {
  if (text.size() <= kMostTextBytes) return text;
  size_t end = kMostTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::optional<LogKind> kind_of(EventKind kind) {
  switch (kind) {
    case EventKind::policy:
      return LogKind::policy;
    case EventKind::dataplane:
    case EventKind::link:
      return LogKind::dataplane;
    case EventKind::ban:
      return LogKind::ban;
    case EventKind::server:
      return LogKind::server;
    case EventKind::violation:
    case EventKind::route:
    case EventKind::limit:
      return LogKind::refusal;
  }
  return std::nullopt;
}

}  // namespace

int64_t unix_ns_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string line_of(const LogRecord& record) {
  Json line = {{"time", time_text(record.at_unix_ns)}, {"kind", log_kind_name(record.kind)}};
  for (const auto& [name, value] : record.fields.items()) {
    line[name] = value.is_string() ? Json(shortened(value.get<std::string>())) : value;
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<LogRecord> record_of(const Event& event) {
  const auto kind = kind_of(event.kind);
  if (!kind || event.reason == kShadow) return std::nullopt;
  // Each of these sources has a line of its own.
  if (kind == LogKind::ban && event.reason == drop_name(DAM_DROP_zone_banned)) return std::nullopt;
  if (kind == LogKind::refusal && !is_of_no_one(event.reason)) return std::nullopt;
  LogRecord record{*kind, event.at_unix_ms * 1'000'000, event.count, Json::object()};
  if (kind == LogKind::policy)
    record.fields["version"] = std::strtoull(event.subject.c_str(), nullptr, 10);
  if (kind == LogKind::server) record.fields["name"] = event.subject;
  if (kind == LogKind::ban) {
    record.fields["subject"] = event.subject;
    record.fields["count"] = event.count;
    if (!event.reason.empty()) record.fields["reason"] = event.reason;
  }
  if (kind == LogKind::refusal) {
    record.fields = {{"zone", event.subject},
                     {"reason", event.reason},
                     {"proven", false},
                     {"count", event.count}};
    return record;
  }
  record.fields["text"] = event.text;
  return record;
}

LogRecord record_of(const v1::EndedConnection& one, int64_t now_unix_ns) {
  constexpr int64_t kNsOfMillisecond = 1'000'000;
  const int64_t ago_ns = now_unix_ns - static_cast<int64_t>(one.ended_unix_ns());
  LogRecord record{LogKind::connection, now_unix_ns, one.stands_for()};
  record.fields = {{"zone", one.zone()},
                   {"client", one.client()},
                   {"client_port", one.client_port()},
                   {"listener", one.listener()}};
  if (!one.server().empty()) record.fields["server"] = one.server();
  record.fields["ago_ms"] = std::max<int64_t>(ago_ns, 0) / kNsOfMillisecond;
  record.fields["duration_ms"] = one.lasted_ns() / uint64_t{kNsOfMillisecond};
  record.fields["bytes_up"] = one.bytes_up();
  record.fields["bytes_down"] = one.bytes_down();
  record.fields["end"] = one.end();
  if (!one.reason().empty()) record.fields["reason"] = one.reason();
  record.fields["sampled"] = one.stands_for();
  if (!one.ja4().empty()) record.fields["ja4"] = one.ja4();
  if (one.has_requests()) record.fields["requests"] = one.requests().count();
  return record;
}

LogRecord record_of(const v1::Refusals& one, int64_t now_unix_ns) {
  LogRecord record{LogKind::refusal, now_unix_ns, one.count()};
  record.fields["zone"] = one.zone();
  if (!one.client().empty()) record.fields["client"] = one.client();
  record.fields["reason"] = one.reason();
  if (!one.ja4().empty()) record.fields["ja4"] = one.ja4();
  record.fields["proven"] = one.proven();
  record.fields["count"] = one.count();
  return record;
}

LogRecord record_of_lost(const std::string& of, uint64_t lines, uint64_t count, const char* why) {
  return {LogKind::log,
          unix_ns_now(),
          count,
          {{"of", of}, {"lost", lines}, {"count", count}, {"text", why}}};
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/logs.h"

#include <utility>

namespace dam::control {

namespace {

constexpr auto kLogSecond = std::chrono::seconds(1);

void sum_up(const SinkCounts& one, SinkCounts& to) {
  for (size_t kind = 0; kind < kLogKinds; ++kind) to.lines[kind] += one.lines[kind];
  to.queue_full += one.queue_full;
  to.not_written += one.not_written;
  to.queued += one.queued;
  to.queue_most += one.queue_most;
}

}  // namespace

Logs::Logs(MakeSinks make_sinks) : make_sinks_(std::move(make_sinks)) {}

void Logs::set_rules(const LogRules& rules) {
  std::vector<std::unique_ptr<LogSink>> old;
  {
    const std::lock_guard lock(mutex_);
    if (rules == rules_) return;
    rules_ = rules;
    old.swap(sinks_);
  }
  LogCounts ended;
  for (auto& sink : old) {  // one file has one writer at a time
    SinkCounts counts = sink->counts();
    const std::string name = sink->name();
    sink.reset();
    counts.queued = counts.queue_most = 0;
    sum_up(counts, ended[name]);
  }
  auto made = make_sinks_(rules);
  const std::lock_guard lock(mutex_);
  for (const auto& [name, counts] : ended) sum_up(counts, ended_[name]);
  sinks_ = std::move(made);
}

void Logs::give(const LogRecord& record) {
  LogLine line{record.kind, record.at_unix_ns, record.count, "", line_of(record)};
  if (record.fields.contains("zone")) line.zone = record.fields["zone"];
  for (const auto& sink : sinks_) sink->offer(line);
}

void Logs::begin_second(LogKind kind, Clock::time_point now) {
  Second& second = seconds_[static_cast<size_t>(kind)];
  if (now - second.begun < kLogSecond) return;
  if (second.lost_lines != 0) {
    give(record_of_lost(log_kind_name(kind), second.lost_lines, second.lost_count,
                        "more lines in a second than logs.lines_per_second"));
  }
  second = {now, 0, 0, 0};
}

void Logs::add(const LogRecord& record, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (sinks_.empty()) return;
  begin_second(record.kind, now);
  Second& second = seconds_[static_cast<size_t>(record.kind)];
  if (second.lines >= rules_.lines_per_second) {
    ++second.lost_lines;
    second.lost_count += record.count;
    return;
  }
  ++second.lines;
  give(record);
}

void Logs::tick(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  for (size_t kind = 0; kind < kLogKinds; ++kind) begin_second(static_cast<LogKind>(kind), now);
}

LogCounts Logs::counts() const {
  const std::lock_guard lock(mutex_);
  LogCounts counts = ended_;
  for (const auto& sink : sinks_) sum_up(sink->counts(), counts[sink->name()]);
  return counts;
}

}  // namespace dam::control

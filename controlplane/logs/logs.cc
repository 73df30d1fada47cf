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

SinkCounts growth(const SinkCounts& before, const SinkCounts& now) {
  SinkCounts grown;
  for (size_t kind = 0; kind < kLogKinds; ++kind) {
    grown.lines[kind] = now.lines[kind] - before.lines[kind];
  }
  grown.queue_full = now.queue_full - before.queue_full;
  grown.not_written = now.not_written - before.not_written;
  return grown;
}

}  // namespace

Logs::Logs(MakeSinks make_sinks) : make_sinks_(std::move(make_sinks)) {}

void Logs::set_rules(const LogRules& rules) {
  std::vector<std::unique_ptr<LogSink>> old;
  std::vector<SinkCounts> before;
  {
    const std::lock_guard lock(mutex_);
    const bool same = rules.has_places_of(rules_);
    rules_ = rules;
    if (same) return;
    old.swap(sinks_);
    changes_ = true;
    for (const auto& sink : old) {
      before.push_back(sink->counts());
      sum_up(growth({}, before.back()), ended_[sink->name()]);  // counts never fall
    }
  }
  for (size_t i = 0; i < old.size(); ++i) {  // one file has one writer at a time
    old[i]->end();
    const std::lock_guard lock(mutex_);
    sum_up(growth(before[i], old[i]->counts()), ended_[old[i]->name()]);
  }
  old.clear();
  begin_sinks(make_sinks_(rules));
}

void Logs::begin_sinks(std::vector<std::unique_ptr<LogSink>> sinks) {
  const std::lock_guard lock(mutex_);
  sinks_ = std::move(sinks);
  changes_ = false;
  if (missed_lines_ != 0) {
    give(
        record_of_lost("log", missed_lines_, missed_count_, "while the places of the log changed"));
  }
  missed_lines_ = missed_count_ = 0;
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
  if (sinks_.empty()) {
    missed_lines_ += changes_ ? 1 : 0;
    missed_count_ += changes_ ? record.count : 0;
    return;
  }
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

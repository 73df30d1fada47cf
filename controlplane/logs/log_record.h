// SPDX-License-Identifier: BSD-3-Clause
// What a line of the logs says: one list of kinds and one of fields, from which
// config/log.schema.json is written (damctl schema --log).
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "controlplane/events/event_log.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

using Json = nlohmann::ordered_json;

#define DAM_LOG_KINDS(X)                                                                       \
  X(connection, "a connection that had found its route is over")                               \
  X(refusal,                                                                                   \
    "packets or connections were refused: those of one zone and reason, of up to ten seconds") \
  X(ban, "a source was banned, or is banned no more")                                          \
  X(policy, "a policy was put in force, confirmed or brought back")                            \
  X(server, "a server went up or down")                                                        \
  X(dataplane,                                                                                 \
    "the dataplane or a link of it came or went, or it cannot do what the policy wants")       \
  X(log, "lines are missing from this log")

enum class LogKind : uint8_t {
#define X(name, text) name,
  DAM_LOG_KINDS(X)
#undef X
};
inline constexpr size_t kLogKinds = static_cast<size_t>(LogKind::log) + 1;
const char* log_kind_name(LogKind kind);

struct LogRecord {
  LogKind kind = LogKind::log;
  int64_t at_unix_ns = 0;
  uint64_t count = 1;            // of what happened; told where lines are left out
  Json fields = Json::object();  // but time and kind
};

// One line of JSON without its end. Text that is no UTF-8 is mended, and long text cut.
std::string line_of(const LogRecord& record);
Json log_schema();

// Nothing where the event is no line: what shadow mode has let by, and refusals that the dataplane
// tells of each by itself.
std::optional<LogRecord> record_of(const Event& event);
// Their time is when they are told: agents and Loki want lines in their order, and none that is
// old.
LogRecord record_of(const v1::EndedConnection& connection, int64_t now_unix_ns);
LogRecord record_of(const v1::Refusals& refusals, int64_t now_unix_ns);
// That lines are missing. `of`: a kind, "events" or a sink; `count`: what they stood for.
LogRecord record_of_lost(const std::string& of, uint64_t lines, uint64_t count, const char* why);

int64_t unix_ns_now();

}  // namespace dam::control

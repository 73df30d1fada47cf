// SPDX-License-Identifier: BSD-3-Clause
// The one list of a line's fields, and the schema that is written from it.
#include <string>
#include <vector>

#include "controlplane/logs/log_record.h"
#include "dataplane/core/connection_end.h"

namespace dam::control {

namespace {

struct Name {
  const char* name;
  const char* text;
};
constexpr Name kKinds[kLogKinds] = {
#define X(name, text) {#name, text},
    DAM_LOG_KINDS(X)
#undef X
};

using Kinds = std::vector<LogKind>;
struct Field {
  const char* name;
  const char* type;
  Kinds always;     // kinds whose lines have it
  Kinds sometimes;  // kinds whose lines may have it
  const char* text;
  std::vector<const char*> values{};  // all that there are, where they are few
};

std::vector<const char*> end_names() {
  return {
#define X(name, text) #name,
      DAM_CONNECTION_ENDS(X)
#undef X
  };
}

const std::vector<Field>& fields() {
  using enum LogKind;
  static const std::vector<Field> all{
      {"zone", "string", {connection, refusal}, {}, "whose buckets it is charged to"},
      {"client",
       "string",
       {connection},
       {refusal},
       "an address; of refusals over IPv6 a /64. None: of sources beyond those that are told "
       "apart, or of no one's packets"},
      {"client_port", "integer", {connection}, {}, "its TCP port; 0: unknown"},
      {"listener", "string", {connection}, {}, "where it arrived"},
      {"server", "string", {}, {connection}, "where it was passed to; none: no server was asked"},
      {"ago_ms",
       "integer",
       {connection},
       {},
       "how long before `time` it was over: where time has ended it, its last packet came then"},
      {"duration_ms", "integer", {connection}, {}, "how long it lasted until then"},
      {"bytes_up",
       "integer",
       {connection},
       {},
       "what the client sent, without headers; the remainder by 4 GiB"},
      {"bytes_down", "integer", {connection}, {}, "what the server sent, likewise"},
      {"end", "string", {connection}, {}, "how it ended", end_names()},
      {"sampled", "integer", {connection}, {}, "so many connections this line stands for"},
      {"ja4",
       "string",
       {},
       {connection, refusal},
       "the JA4 fingerprint of its ClientHello (of refusals: the last one's); none: it has shown "
       "none"},
      {"requests",
       "integer",
       {},
       {connection},
       "HTTP requests, as the sizes of its TLS records tell; none: its zone does not limit them"},
      {"reason",
       "string",
       {refusal},
       {connection, ban},
       "a drop reason of dataplane/core/drop_reason.h; of bans: expired, capped"},
      {"proven", "boolean", {refusal}, {}, "false: the client's address may be a forged one"},
      {"count",
       "integer",
       {refusal, ban, log},
       {},
       "refusals: packets, about, where there were many; bans: sources; log: of what is missing"},
      {"subject", "string", {ban}, {}, "a network; of several their origin or zone"},
      {"version", "integer", {policy}, {}, "of the policy"},
      {"name", "string", {server}, {}, "of the server"},
      {"of", "string", {log}, {}, "which lines: a kind, or those of a sink"},
      {"lost", "integer", {log}, {}, "so many lines are missing; 0: they were not made"},
      {"text", "string", {ban, policy, server, dataplane, log}, {}, "a sentence"},
  };
  return all;
}

bool among(const Kinds& kinds, LogKind kind) {
  for (const LogKind one : kinds) {
    if (one == kind) return true;
  }
  return false;
}

Json schema_of_field(const Field& field) {
  Json schema = {{"type", field.type}, {"description", field.text}};
  if (std::string(field.type) == "integer") schema["minimum"] = 0;
  if (!field.values.empty()) schema["enum"] = field.values;
  return schema;
}

Json schema_of_kind(LogKind kind) {
  const Name& name = kKinds[static_cast<size_t>(kind)];
  Json properties = {{"time",
                      {{"type", "string"},
                       {"description", "when, UTC, RFC 3339 with milliseconds"},
                       {"pattern", R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$)"}}},
                     {"kind", {{"const", name.name}}}};
  Json required = {"time", "kind"};
  for (const Field& field : fields()) {
    const bool always = among(field.always, kind);
    if (!always && !among(field.sometimes, kind)) continue;
    properties[field.name] = schema_of_field(field);
    if (always) required.push_back(field.name);
  }
  return {{"title", name.name},   {"description", name.text},
          {"type", "object"},     {"additionalProperties", false},
          {"required", required}, {"properties", properties}};
}

}  // namespace

const char* log_kind_name(LogKind kind) { return kKinds[static_cast<size_t>(kind)].name; }

Json log_schema() {
  Json kinds = Json::array();
  for (size_t i = 0; i < kLogKinds; ++i) kinds.push_back(schema_of_kind(static_cast<LogKind>(i)));
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "a line of Traffic Dam's logs"},
          {"oneOf", kinds}};
}

}  // namespace dam::control

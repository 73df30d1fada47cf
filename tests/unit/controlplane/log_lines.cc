// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/log_lines.h"

#include <thread>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {

bool is_log_line(const nlohmann::json& line) {
  using Adapter = valijson::adapters::NlohmannJsonAdapter;
  static const valijson::Schema* schema = [] {
    const auto committed =
        nlohmann::json::parse(file_text(source_root() / "config/log.schema.json"));
    auto* parsed = new valijson::Schema;
    valijson::SchemaParser().populateSchema(Adapter(committed), *parsed);
    return parsed;
  }();
  valijson::Validator validator;
  return validator.validate(*schema, Adapter(line), nullptr);
}

LogRecord sample_refusal(uint64_t count, const std::string& zone) {
  return {LogKind::refusal,
          unix_ns_now(),
          count,
          {{"zone", zone},
           {"client", "203.0.113.7"},
           {"reason", "no_route"},
           {"proven", true},
           {"count", count}}};
}

LogLine line_to_offer(const LogRecord& record) {
  LogLine line{record.kind, record.at_unix_ns, record.count, "", line_of(record)};
  if (record.fields.contains("zone")) line.zone = record.fields["zone"];
  return line;
}

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 3000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

}  // namespace dam::control

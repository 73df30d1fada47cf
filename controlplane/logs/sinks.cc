// SPDX-License-Identifier: BSD-3-Clause
#include <utility>

#include "controlplane/logs/log_file.h"
#include "controlplane/logs/log_journal.h"
#include "controlplane/logs/log_loki.h"
#include "controlplane/logs/logs.h"

namespace dam::control {

namespace {

constexpr const char* kLogFileName = "dam.jsonl";
constexpr SinkLimits kLokiLimits{.batch_age = std::chrono::seconds(1)};

}  // namespace

Logs::MakeSinks sinks_in(LogPlaces places, LogSink::Say say) {
  return [places = std::move(places), say = std::move(say)](const LogRules& rules) {
    std::vector<std::unique_ptr<LogSink>> sinks;
    const auto add = [&](const char* name, std::unique_ptr<LogWriter> writer,
                         const SinkLimits& limits) {
      sinks.push_back(std::make_unique<LogSink>(name, std::move(writer), limits, say));
    };
    if (rules.file) {
      add("file",
          std::make_unique<LogFileWriter>(places.folder / kLogFileName, rules.file->size_bytes,
                                          rules.file->keep),
          {});
    }
    if (rules.journal) add("journal", std::make_unique<LogJournalWriter>(places.journal), {});
    if (rules.loki) {
      add("loki",
          std::make_unique<LogLokiWriter>(LogLokiWriter::Place{rules.loki->url, rules.loki->tenant,
                                                               places.loki_netrc, places.loki_ca}),
          kLokiLimits);
    }
    return sinks;
  };
}

}  // namespace dam::control

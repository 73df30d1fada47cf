// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_file.h"
#include "controlplane/logs/logs.h"

namespace dam::control {

namespace {
constexpr const char* kLogFileName = "dam.jsonl";
}  // namespace

Logs::MakeSinks sinks_in(std::filesystem::path folder, LogSink::Say say) {
  return [folder = std::move(folder), say = std::move(say)](const LogRules& rules) {
    std::vector<std::unique_ptr<LogSink>> sinks;
    if (rules.file) {
      sinks.push_back(std::make_unique<LogSink>(
          "file",
          std::make_unique<LogFileWriter>(folder / kLogFileName, rules.file->size_bytes,
                                          rules.file->keep),
          SinkLimits{}, say));
    }
    return sinks;
  };
}

}  // namespace dam::control

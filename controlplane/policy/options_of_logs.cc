// SPDX-License-Identifier: BSD-3-Clause
// Where lines go.
#include "controlplane/policy/option_tables.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

const Table<LogFile>& log_file_options() {
  static const Table<LogFile> table{
      option("size", Need::optional, bytes(65'536, 1'000'000'000'000), &LogFile::size_bytes,
             "16MiB", "a file that would grow longer becomes dam.jsonl.1"),
      option("keep", Need::optional, integer(0, kMostKeptLogFiles), &LogFile::keep, "4",
             "so many old files stay"),
  };
  return table;
}

const Table<LokiPlace>& loki_options() {
  static const Table<LokiPlace> table{
      option("url", Need::required, http_origin(), &LokiPlace::url, "",
             "where Loki answers, such as http://10.0.0.5:3100; over https its certificate is "
             "checked, and what dam-controlplane's --loki-netrc says of the host is sent"),
      option("tenant", Need::optional, name(), &LokiPlace::tenant, "",
             "whose lines these are (X-Scope-OrgID), where Loki has several tenants"),
  };
  return table;
}

}  // namespace

const Table<LogRules>& log_options() {
  static const Table<LogRules> table{
      option("connections", Need::optional, count(0, 1'000'000), &LogRules::connections, "1",
             "of the connections that end one in so many has a line; 0: none. Refusals and bans "
             "have theirs whatever it says"),
      option("lines_per_second", Need::optional, count(1, 1'000'000), &LogRules::lines_per_second,
             "1000", "of each kind; how many were left out is a line too"),
      option_with<LogRules, LogFile>(
          "file", object("a map of the file's keys", log_file_options()),
          [](LogRules& logs, LogFile file) { logs.file = file; },
          "lines into dam.jsonl, in the folder that dam-controlplane's --log-folder names"),
      option("journal", Need::optional, boolean(), &LogRules::journal, "false",
             "lines to systemd's journal: journalctl -t dam"),
      option_with<LogRules, LokiPlace>(
          "loki", object("a map of Loki's keys", loki_options()),
          [](LogRules& logs, LokiPlace loki) { logs.loki = std::move(loki); },
          "lines to Grafana Loki, pushed in batches over its HTTP API"),
  };
  return table;
}

}  // namespace dam::control

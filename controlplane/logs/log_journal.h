// SPDX-License-Identifier: BSD-3-Clause
// Lines to systemd-journald, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a
// datagram each. Not by libsystemd: its sd_journal_sendv() says that all is well where there is no
// journal, and waits without end where journald does not read.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "controlplane/logs/log_sink.h"

namespace dam::control {

class LogJournalWriter : public LogWriter {
 public:
  explicit LogJournalWriter(std::filesystem::path socket);
  ~LogJournalWriter() override;
  LogJournalWriter(const LogJournalWriter&) = delete;
  LogJournalWriter& operator=(const LogJournalWriter&) = delete;

  Written write(const LogBatch& batch, std::string& wrong) override;
  void stop() override { stopping_ = true; }

 private:
  bool connect(std::string& wrong);
  void close();

  const std::filesystem::path path_;
  std::atomic<bool> stopping_{false};
  int socket_ = -1;
};

// The fields of a line, as journald reads them.
std::string journal_entry(const LogLine& line);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// A file of lines that never outgrows its size: full, it becomes NAME.1, that one NAME.2, and so
// on; the last one goes. Whole lines only, also on a full disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "controlplane/logs/log_sink.h"
#include "controlplane/policy/model.h"

namespace dam::control {

class LogFileWriter : public LogWriter {
 public:
  // `keep`: old ones beside the file; all together are (keep + 1) * size_bytes at most.
  LogFileWriter(std::filesystem::path path, uint64_t size_bytes, uint64_t keep);
  ~LogFileWriter() override;
  LogFileWriter(const LogFileWriter&) = delete;
  LogFileWriter& operator=(const LogFileWriter&) = delete;

  Written write(const LogBatch& batch, std::string& wrong) override;

 private:
  bool open(std::string& wrong);
  void close();
  void remove_beyond() const;
  void rotate();
  bool append(const std::string& text, std::string& wrong);
  std::filesystem::path old(uint64_t number) const;

  const std::filesystem::path path_;
  const uint64_t size_bytes_;
  const uint64_t keep_;
  int file_ = -1;
  uint64_t bytes_ = 0;  // of the file
};

}  // namespace dam::control

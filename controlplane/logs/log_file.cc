// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dam::control {

namespace {

constexpr mode_t kReadByGroup = 0640;
constexpr off_t kMostTorn = 65'536;  // longer than any line

// Where the last whole line ends: of a process that was killed the last one may be torn.
off_t end_of_lines(int file, off_t bytes) {
  const off_t from = bytes > kMostTorn ? bytes - kMostTorn : 0;
  std::string tail(static_cast<size_t>(bytes - from), '\0');
  const ssize_t got = pread(file, tail.data(), tail.size(), from);
  if (got <= 0) return bytes;
  const size_t end = tail.rfind('\n', static_cast<size_t>(got) - 1);
  return end == std::string::npos ? from : from + static_cast<off_t>(end) + 1;
}

}  // namespace

LogFileWriter::LogFileWriter(std::filesystem::path path, uint64_t size_bytes, uint64_t keep)
    : path_(std::move(path)), size_bytes_(size_bytes), keep_(keep) {}

LogFileWriter::~LogFileWriter() { close(); }

void LogFileWriter::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

std::filesystem::path LogFileWriter::old(uint64_t number) const {
  return path_.string() + "." + std::to_string(number);
}

bool LogFileWriter::open(std::string& wrong) {
  struct stat about {};
  // Somebody may have moved or removed it.
  struct stat named {};
  const bool there = file_ >= 0 && fstat(file_, &about) == 0 && stat(path_.c_str(), &named) == 0 &&
                     about.st_dev == named.st_dev && about.st_ino == named.st_ino;
  if (there) return true;
  close();
  remove_beyond();
  file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                 kReadByGroup);
  if (file_ < 0 || fstat(file_, &about) != 0 || !S_ISREG(about.st_mode)) {
    wrong = path_.string() + ": " + (file_ < 0 ? std::strerror(errno) : "is no plain file");
    close();
    return false;
  }
  const off_t end = end_of_lines(file_, about.st_size);
  if (end != about.st_size && ftruncate(file_, end) != 0) {
    wrong = path_.string() + ": " + std::strerror(errno);
    close();
    return false;
  }
  bytes_ = static_cast<uint64_t>(end);
  return true;
}

// That an earlier policy has kept.
void LogFileWriter::remove_beyond() const {
  std::error_code ignored;
  for (uint64_t number = keep_ + 1; number <= kMostKeptLogFiles; ++number) {
    std::filesystem::remove(old(number), ignored);
  }
}

// What cannot be renamed is written on to no longer than it may grow: then it begins anew.
void LogFileWriter::rotate() {
  std::error_code ignored;
  for (uint64_t number = keep_; number > 1; --number) {
    std::filesystem::rename(old(number - 1), old(number), ignored);
  }
  std::error_code failed;
  if (keep_ > 0) std::filesystem::rename(path_, old(1), failed);
  if ((keep_ == 0 || failed) && ftruncate(file_, 0) != 0) return;
  bytes_ = 0;
  if (keep_ > 0 && !failed) close();
}

bool LogFileWriter::append(const std::string& text, std::string& wrong) {
  const ssize_t written = ::write(file_, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) {
    bytes_ += text.size();
    return true;
  }
  wrong = path_.string() + ": " + (written < 0 ? std::strerror(errno) : "no space left");
  // No half a line stays.
  if (written > 0 && ftruncate(file_, static_cast<off_t>(bytes_)) != 0) close();
  return false;
}

LogWriter::Written LogFileWriter::write(const LogBatch& batch, std::string& wrong) {
  Written result;
  if (!open(wrong)) return result;
  for (const LogLine& line : batch) {
    const std::string text = line.text + "\n";
    if (text.size() > size_bytes_) {
      wrong = "a line is longer than the file may be";
      return result;
    }
    if (bytes_ + text.size() > size_bytes_) rotate();
    if (!open(wrong) || !append(text, wrong)) return result;
    ++result.lines;
  }
  return result;
}

}  // namespace dam::control

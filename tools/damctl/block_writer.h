// SPDX-License-Identifier: BSD-3-Clause
// A pcapng file as it comes, written by whole blocks.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dam::ctl {

// Whole blocks only, whenever it ends.
class BlockWriter {
 public:
  BlockWriter(int fd, bool own) : fd_(fd), own_(own) {}

  bool take(std::string_view piece) {
    pending_ += piece;
    size_t whole = 0;
    while (pending_.size() - whole >= kLeastBlockBytes) {
      const uint32_t bytes = number_at(pending_, whole + 4);
      if (bytes < kLeastBlockBytes) return false;
      if (bytes > pending_.size() - whole) break;
      packets_ += number_at(pending_, whole) == kPacketBlock ? 1 : 0;
      whole += bytes;
    }
    const bool written = write_all(std::string_view(pending_).substr(0, whole));
    pending_.erase(0, whole);
    return written;
  }

  uint64_t packets() const { return packets_; }
  const std::string& trouble() const { return trouble_; }

 private:
  static constexpr uint32_t kPacketBlock = 6;
  static constexpr uint32_t kLeastBlockBytes = 12;

  static uint32_t number_at(std::string_view octets, size_t at) {
    uint32_t number;
    std::memcpy(&number, octets.data() + at, sizeof number);
    return number;
  }
  bool write_all(std::string_view octets) {
    const off_t before = written_;
    while (!octets.empty()) {
      const ssize_t done = write(fd_, octets.data(), octets.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) {
        trouble_ = std::strerror(errno);
        if (own_ && ftruncate(fd_, before) != 0) errno = 0;  // a pipe by name
        return false;
      }
      written_ += done;
      octets.remove_prefix(static_cast<size_t>(done));
    }
    return true;
  }

  const int fd_;
  const bool own_;  // the file is this capture's alone
  std::string pending_;
  off_t written_ = 0;
  uint64_t packets_ = 0;
  std::string trouble_;
};

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// Memory that outlives the process, not the machine: a file in a folder of a tmpfs, for root alone.
// One process at a time has it. (Not a descriptor in the service manager's store: that is lost with
// a stop, and there may be no service manager.)
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace dam {

struct UnmapFile {
  std::size_t bytes = 0;
  void operator()(std::byte* memory) const;
};

class MemoryFile {
 public:
  // Why there can be no such memory, in a sentence; empty: there can. Makes the folder.
  static std::string why_not(const std::string& folder);

  // Throws std::runtime_error: another process has it, or the folder is none of ours.
  explicit MemoryFile(const std::string& folder);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& folder() const { return folder_; }
  // Of what was left there; 0: nothing.
  std::size_t bytes() const;
  // The first octets of it; false: there are fewer.
  bool read(std::span<std::byte> first) const;
  // What was left there where it has as many bytes, else zeros. All of it is there: no access fails
  // later for want of memory. Throws std::runtime_error, and then nothing is left.
  std::span<std::byte> map(std::size_t bytes);
  // Its memory is given back once nobody has it mapped, and the folder goes.
  void remove();

 private:
  void reserve(std::size_t bytes);

  std::string folder_;
  int fd_ = -1;
  std::unique_ptr<std::byte, UnmapFile> memory_;
};

}  // namespace dam

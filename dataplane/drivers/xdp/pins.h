// SPDX-License-Identifier: BSD-3-Clause
// The folder of a bpffs in which tables and links outlive the process that made them. One process
// at a time has it.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dam {

// Why nothing can be pinned there, in a sentence; empty: it can. Mounts a bpffs on /sys/fs/bpf
// where none is.
std::string why_not_pinned(const std::string& folder);

class Pins {
 public:
  // Makes the folder, for root alone. Throws std::runtime_error: another process has it.
  explicit Pins(const std::string& folder);
  ~Pins();
  Pins(Pins&& other) noexcept;
  Pins& operator=(Pins&&) = delete;

  const std::string& folder() const { return folder_; }
  std::string table(const std::string& name) const { return folder_ + "/" + name; }
  std::string link(uint32_t ifindex) const { return table("link_" + std::to_string(ifindex)); }
  // Of what is behind the gate of a device (see gate.h).
  std::string gate(uint32_t ifindex) const { return table("gate_" + std::to_string(ifindex)); }
  // Programs leave their devices, and tables go; descriptors keep what they have. Throws
  // std::runtime_error.
  void clear() const;
  void remove() const { rmdir(folder_.c_str()); }

 private:
  std::vector<std::string> entries() const;

  std::string folder_;
  int lock_ = -1;
};

}  // namespace dam

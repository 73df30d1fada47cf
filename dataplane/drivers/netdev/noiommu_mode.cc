// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/noiommu_mode.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace dam {
namespace {

namespace fs = std::filesystem;

fs::path switch_in(const std::string& sysfs) {
  return fs::path(sysfs) / "module/vfio/parameters/enable_unsafe_noiommu_mode";
}

// No NIC's: its name begins with a dot.
fs::path note_in(const std::string& records) { return fs::path(records) / ".noiommu-before"; }

std::string word_of(const fs::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

}  // namespace

void switch_on_noiommu(const std::string& sysfs, const std::string& records) {
  const std::string before = word_of(switch_in(sysfs));
  if (before == "Y") return;
  std::ofstream(note_in(records)) << before << "\n";
  std::ofstream(switch_in(sysfs)) << "Y";
}

void restore_noiommu(const std::string& sysfs, const std::string& records) {
  const std::string before = word_of(note_in(records));
  if (before.empty()) return;
  std::ofstream(switch_in(sysfs)) << before;
  std::error_code none;
  fs::remove(note_in(records), none);
}

}  // namespace dam

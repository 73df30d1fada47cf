// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/host_configuration.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

#include "dataplane/drivers/netdev/configuration_files.h"
#include "dataplane/drivers/netdev/ifupdown_files.h"
#include "dataplane/drivers/netdev/networkd_files.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

// In the order in which they are read: the distribution's, this boot's, the machine's own. A file
// of conf.d is not read where a later folder has one of its name.
std::vector<fs::path> network_manager_files(const fs::path& root) {
  const fs::path shipped = root / "usr/lib/NetworkManager/conf.d";
  const fs::path of_boot = root / "run/NetworkManager/conf.d";
  const fs::path own = root / "etc/NetworkManager/conf.d";
  const std::vector<fs::path> read = files_of_first({own, of_boot, shipped}, ".conf");
  std::vector<fs::path> files;
  const auto add_those_of = [&](const fs::path& folder) {
    std::copy_if(read.begin(), read.end(), std::back_inserter(files),
                 [&](const fs::path& file) { return file.parent_path() == folder; });
  };
  add_those_of(shipped);
  add_those_of(of_boot);
  files.push_back(root / "etc/NetworkManager/NetworkManager.conf");
  add_those_of(own);
  return files;
}

Words listed(std::string value) {
  std::replace_if(
      value.begin(), value.end(), [](char c) { return c == ';' || c == ','; }, ' ');
  return words_of(value);
}

// A later value stands in an earlier one's place; "+=" and "-=" change it.
Words unmanaged_devices(const fs::path& root) {
  Words all;
  for (const fs::path& file : network_manager_files(root)) {
    for (const Setting& one : settings_of(file)) {
      if (one.section != "[keyfile]" || !one.key.starts_with("unmanaged-devices")) continue;
      const Words these = listed(one.value);
      if (one.key.ends_with('-')) {
        std::erase_if(all, [&](const std::string& word) { return has(these, word); });
        continue;
      }
      if (!one.key.ends_with('+')) all.clear();
      all.insert(all.end(), these.begin(), these.end());
    }
  }
  return all;
}

// NetworkManager makes a connection for every card that has none, unless told to leave it alone.
// Whom an exception is about (a type, a driver) is not asked: rather one too many is refused.
bool left_by_network_manager(const fs::path& root, const std::string& interface) {
  const Words all = unmanaged_devices(root);
  const bool excepts = std::any_of(
      all.begin(), all.end(), [](const std::string& word) { return word.starts_with("except:"); });
  return !excepts && (has(all, "*") || has(all, "interface-name:" + interface));
}

}  // namespace

std::string configured_by(const std::vector<std::string>& names, const std::array<uint8_t, 6>& mac,
                          const std::string& root) {
  std::string file;
  for (const std::string& name : names) {
    if (file.empty()) file = given_by_ifupdown(name, root);
  }
  if (file.empty()) file = given_by_networkd(names, mac, root);
  if (!file.empty()) return file;
  std::error_code none;
  const bool enabled = fs::is_symlink(
      fs::path(root) / "etc/systemd/system/multi-user.target.wants/NetworkManager.service", none);
  if (!enabled || left_by_network_manager(root, names.front())) return {};
  return "NetworkManager, which has every card that it is not told to leave alone "
         "(unmanaged-devices),";
}

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/host_configuration.h"

#include <fnmatch.h>
#include <strings.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace dam {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// In the order of their names; a folder that is none has none.
std::vector<fs::path> files_of(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Words words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_one_of(std::string_view word, const std::vector<std::string_view>& all) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

// ifupdown: "iface eth0 inet dhcp", "iface eth0.10 …", "bridge_ports eth0 eth1".
bool ifupdown_line(const Words& words, const std::string& interface) {
  if (words.size() < 2) return false;
  if (words[0] == "iface") {
    const bool vlan = words[1].starts_with(interface + ".");
    return vlan || (words[1] == interface && words.size() > 3 && words[3] != "manual");
  }
  return is_one_of(words[0], {"bridge_ports", "bridge-ports", "bond-slaves", "slaves",
                              "vlan-raw-device", "vlan_raw_device"}) &&
         has(words, interface);
}

bool ifupdown_file(const fs::path& file, const std::string& interface) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (ifupdown_line(words_of(line), interface)) return true;
  }
  return false;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// systemd-networkd: does the file's [Match] mean this interface, and does it give it anything?
class NetworkdFile {
 public:
  NetworkdFile(const std::string& interface, std::string mac)
      : interface_(interface), mac_(std::move(mac)) {}

  bool gives(const fs::path& file) {
    std::ifstream in(file);
    std::string section;
    for (std::string line; std::getline(in, line);) {
      line = trimmed(line);
      const size_t equals = line.find('=');
      if (line.starts_with('[')) section = line;
      if (line == "[Address]") gives_ = true;
      if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
      take(section, trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    }
    return matches_ && !differs_ && gives_;
  }

 private:
  void take(const std::string& section, const std::string& key, const std::string& value) {
    if (section == "[Match]") match(key, value);
    if (section == "[Link]" && key == "Unmanaged") differs_ |= is_yes(value);
    if (section != "[Network]" || value.empty()) return;
    gives_ |= key == "DHCP" ? !is_one_of(value, {"no", "false", "off", "0", "none"})
                            : is_one_of(key, {"Address", "Gateway", "VLAN", "MACVLAN", "IPVLAN",
                                              "Bridge", "Bond", "VRF"});
  }
  static bool is_yes(const std::string& value) {
    return is_one_of(value, {"yes", "true", "on", "1"});
  }

  // What cannot be told here (a driver, a path) is taken for a match: the operator can say
  // otherwise.
  void match(const std::string& key, const std::string& value) {
    const Words words = words_of(value);
    matches_ = true;
    if (key == "Name") differs_ |= !by_name(words);
    if (key == "MACAddress" || key == "PermanentMACAddress") differs_ |= !by_mac(words);
    if (key == "Type") differs_ |= !has(words, "ether");
    if (key == "Kind" || key == "Virtualization" || key == "SSID") differs_ = true;
  }
  bool by_name(const Words& globs) const {
    return std::any_of(globs.begin(), globs.end(), [this](const std::string& glob) {
      return fnmatch(glob.c_str(), interface_.c_str(), 0) == 0;
    });
  }
  bool by_mac(const Words& all) const {
    return std::any_of(all.begin(), all.end(), [this](const std::string& one) {
      return strcasecmp(one.c_str(), mac_.c_str()) == 0;
    });
  }

  const std::string& interface_;
  std::string mac_;
  bool matches_ = false, differs_ = false, gives_ = false;
};

// NetworkManager makes a connection for every card that has none, unless told to leave it alone.
bool left_by_network_manager(const fs::path& etc, const std::string& interface) {
  std::vector<fs::path> files = files_of(etc / "conf.d", ".conf");
  files.push_back(etc / "NetworkManager.conf");
  for (const fs::path& file : files) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with("unmanaged-devices")) continue;
      std::replace_if(
          line.begin(), line.end(), [](char c) { return c == '=' || c == ';' || c == ','; }, ' ');
      const Words words = words_of(line);
      if (has(words, "*") || has(words, "interface-name:" + interface)) return true;
    }
  }
  return false;
}

std::string mac_text(const std::array<uint8_t, 6>& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

std::string by_ifupdown(const std::string& interface, const fs::path& root) {
  std::vector<fs::path> files = files_of(root / "etc/network/interfaces.d", "");
  files.push_back(root / "etc/network/interfaces");
  for (const fs::path& file : files) {
    if (ifupdown_file(file, interface)) return file;
  }
  return {};
}

std::string by_networkd(const std::string& interface, const std::string& mac,
                        const fs::path& root) {
  for (const char* folder : {"etc/systemd/network", "run/systemd/network"}) {
    for (const fs::path& file : files_of(root / folder, ".network")) {
      if (NetworkdFile(interface, mac).gives(file)) return file;
    }
  }
  return {};
}

}  // namespace

std::string configured_by(const std::string& interface, const std::array<uint8_t, 6>& mac,
                          const std::string& root) {
  std::string file = by_ifupdown(interface, root);
  if (file.empty()) file = by_networkd(interface, mac_text(mac), root);
  if (!file.empty()) return file;
  const fs::path etc = fs::path(root) / "etc";
  std::error_code none;
  const bool enabled =
      fs::is_symlink(etc / "systemd/system/multi-user.target.wants/NetworkManager.service", none);
  if (!enabled || left_by_network_manager(etc / "NetworkManager", interface)) return {};
  return "NetworkManager, which has every card that it is not told to leave alone "
         "(unmanaged-devices),";
}

}  // namespace dam

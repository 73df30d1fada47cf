// SPDX-License-Identifier: BSD-3-Clause
// systemd.network(5). Files after the first that matches are read as well, since here a match may
// be a guess.
#include "dataplane/drivers/netdev/networkd_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "dataplane/drivers/netdev/configuration_files.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

// What cannot be told here (a driver, a path, a virtual machine) is taken for a match: the operator
// can say otherwise.
class NetworkdMatch {
 public:
  // A key's values are one list over all its lines. "!" inverts its whole line, nothing empties the
  // list.
  void add(const std::string& key, const std::string& value) {
    Words& list = lists_[key];
    if (value.empty()) list.clear();
    const bool inverted = value.starts_with('!');
    for (std::string& word : words_of(value.substr(inverted ? 1 : 0))) {
      std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
      list.push_back((inverted ? "!" : "") + word);
    }
  }

  // No key at all matches nothing. A card has no kind (that of veth, bridge …) and no SSID.
  bool matches(const Words& names, const std::string& mac) const {
    const auto name = [&](const std::string& glob) {
      return std::any_of(names.begin(), names.end(),
                         [&](const std::string& one) { return is_like(one, glob); });
    };
    const auto link = [&](const std::string& one) { return hex_digits(one) == hex_digits(mac); };
    const auto type = [](const std::string& glob) { return is_like("ether", glob); };
    const auto never = [](const std::string&) { return false; };
    return !lists_.empty() && allows("Name", name) && allows("MACAddress", link) &&
           allows("PermanentMACAddress", link) && allows("Type", type) && allows("Kind", never) &&
           allows("SSID", never);
  }

 private:
  static bool is_like(const std::string& text, const std::string& glob) {
    return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
  }
  // "02:00…", "02-00…" and "0200.…" are one.
  static std::string hex_digits(const std::string& mac) {
    std::string digits;
    for (const unsigned char c : mac) {
      if (std::isxdigit(c) != 0) digits += static_cast<char>(std::tolower(c));
    }
    return digits;
  }
  template <class F>
  bool allows(const std::string& key, F&& fits) const {
    const auto list = lists_.find(key);
    if (list == lists_.end()) return true;
    bool found = false, only_inverted = true;
    for (const std::string& word : list->second) {
      const bool inverted = word.starts_with('!');
      const bool fit = fits(word.substr(inverted ? 1 : 0));
      if (inverted && fit) return false;
      found |= fit;
      only_inverted &= inverted;
    }
    return found || only_inverted;
  }

  std::map<std::string, Words> lists_;
};

// A file, with what is dropped beside it.
class NetworkdFile {
 public:
  void read(const fs::path& file) {
    for (const Setting& one : settings_of(file)) take(one);
  }
  bool gives(const Words& names, const std::string& mac) const {
    return (dhcp_ || gives_) && !unmanaged_ && match_.matches(names, mac);
  }

 private:
  void take(const Setting& one) {
    if (one.section == "[Match]") match_.add(one.key, one.value);
    if (one.value.empty()) return;
    if (one.section == "[Link]" && one.key == "Unmanaged") {
      unmanaged_ = is_one_of(one.value, {"yes", "true", "on", "1"});
    }
    if (one.section == "[Address]") gives_ = true;
    if (one.section != "[Network]") return;
    if (one.key == "DHCP") {
      dhcp_ = !is_one_of(one.value, {"no", "false", "off", "0", "none"});
    }
    gives_ |= is_one_of(
        one.key, {"Address", "Gateway", "VLAN", "MACVLAN", "IPVLAN", "Bridge", "Bond", "VRF"});
  }

  NetworkdMatch match_;
  bool unmanaged_ = false, dhcp_ = false, gives_ = false;
};

std::vector<fs::path> networkd_folders(const fs::path& root, const std::string& below) {
  std::vector<fs::path> folders;
  for (const char* above : {"etc", "run", "usr/local/lib", "usr/lib"}) {
    folders.push_back(root / above / "systemd/network" / below);
  }
  return folders;
}

// An empty one, or a link to /dev/null.
bool is_mask(const fs::path& file) {
  std::error_code none;
  return !fs::is_regular_file(file, none) || fs::file_size(file, none) == 0;
}

std::string text_of_mac(const std::array<uint8_t, 6>& mac) {
  char text[13];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

}  // namespace

std::string given_by_networkd(const Words& names, const std::array<uint8_t, 6>& mac,
                              const std::string& root) {
  for (const fs::path& file : files_of_first(networkd_folders(root, ""), ".network")) {
    if (is_mask(file)) continue;
    NetworkdFile all;
    all.read(file);
    const std::string beside = file.filename().string() + ".d";
    for (const fs::path& one : files_of_first(networkd_folders(root, beside), ".conf")) {
      all.read(one);
    }
    if (all.gives(names, text_of_mac(mac))) return file;
  }
  return {};
}

}  // namespace dam

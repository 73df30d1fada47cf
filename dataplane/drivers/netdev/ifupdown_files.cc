// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/ifupdown_files.h"

#include <glob.h>

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "dataplane/drivers/netdev/configuration_files.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFiles = 1000;

// "iface eth0 inet dhcp", "iface eth0:0 …", "iface eth0.10 …", "bridge_ports eth0 eth1".
bool ifupdown_line(const Words& words, const std::string& interface) {
  if (words.size() < 2) return false;
  if (words[0] == "iface") {
    const bool vlan = words[1].starts_with(interface + ".");
    const bool own = words[1] == interface || words[1].starts_with(interface + ":");
    return vlan || (own && words.size() > 3 && words[3] != "manual");
  }
  return is_one_of(words[0], {"bridge_ports", "bridge-ports", "bond-slaves", "slaves",
                              "vlan-raw-device", "vlan_raw_device"}) &&
         has(words, interface);
}

std::vector<fs::path> paths_like(const std::string& pattern) {
  std::vector<fs::path> paths;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

// Each file once: they may point at each other in circles.
class IfupdownFiles {
 public:
  explicit IfupdownFiles(fs::path root) : root_(std::move(root)) {}

  std::string that_gives(const std::string& interface) {
    for (const char* folder : {"etc/network/interfaces.d", "run/network/interfaces.d"}) {
      add(root_ / folder);
    }
    add(root_ / "etc/network/interfaces");
    for (size_t i = 0; i < files_.size() && i < kMostFiles; ++i) {
      const fs::path file = files_[i];  // a copy: the list grows
      for (const std::string& line : lines_of(file)) {
        const Words words = words_of(line);
        if (ifupdown_line(words, interface)) return file;
        follow(words);
      }
    }
    return {};
  }

 private:
  // A folder stands for its files.
  void add(const fs::path& path) {
    std::error_code none;
    if (fs::is_directory(path, none)) {
      for (const fs::path& file : files_of(path, "")) add_file(file);
    } else {
      add_file(path);
    }
  }
  void add_file(const fs::path& file) {
    std::error_code none;
    if (seen_.insert(fs::weakly_canonical(file, none)).second) files_.push_back(file);
  }
  void follow(const Words& words) {
    if (words.empty() || !is_one_of(words[0], {"source", "source-directory"})) return;
    for (size_t i = 1; i < words.size(); ++i) {
      const fs::path pattern = words[i];
      const fs::path whole =
          pattern.is_absolute() ? root_ / pattern.relative_path() : root_ / "etc/network" / pattern;
      for (const fs::path& path : paths_like(whole)) add(path);
    }
  }

  fs::path root_;
  std::vector<fs::path> files_;
  std::set<fs::path> seen_;
};

}  // namespace

std::string given_by_ifupdown(const std::string& interface, const std::string& root) {
  return IfupdownFiles(root).that_gives(interface);
}

}  // namespace dam

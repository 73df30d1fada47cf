// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/detach.h"

#include "dataplane/drivers/netdev/memory_file.h"
#include "dataplane/drivers/netdev/nic_binding.h"

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"

namespace dam::ctl {
namespace {

std::vector<std::string> forget_tables(const std::string& folder) {
  if (!std::filesystem::exists(folder)) return {};
  dam::MemoryFile(folder).remove();
  return {folder + " is gone, and all connections with it."};
}

}  // namespace

int detach(const Settings& settings, const LeftBehind& left, bool other_version) {
  if (geteuid() != 0) {
    std::cerr << "This needs root: sudo damctl detach\n";
    return kRefused;
  }
  try {
    if (other_version &&
        (!std::filesystem::exists(left.pins) || !dam::left_by_another_version(left.pins))) {
      return kOk;
    }
    std::vector<std::string> done = forget_tables(left.tables);
    for (std::string& one : dam::detach(left.pins)) done.push_back(std::move(one));
    if (!dam::records_in(left.nics).empty()) {
      for (std::string& one : dam::NicBinding({.records = left.nics}).give_back()) {
        done.push_back(std::move(one));
      }
    }
    const int code = dam::records_in(left.nics).empty() ? kOk : kRefused;  // one that is not back
    if (settings.json) {
      std::cout << nlohmann::json{{"done", done}}.dump(2) << "\n";
      return code;
    }
    for (const std::string& sentence : done) std::cout << sentence << "\n";
    return code;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return kRefused;
  }
}

}  // namespace dam::ctl

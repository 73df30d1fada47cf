// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/detach.h"

#include "dataplane/drivers/netdev/memory_file.h"
#include "dataplane/drivers/netdev/nic_binding.h"

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"

namespace dam::ctl {
namespace {

// Whatever somebody has put there, the rest is undone all the same.
bool forget_tables(const std::string& folder, std::vector<std::string>& done) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return true;
  try {
    dam::MemoryFile(folder).remove();
    done.push_back(folder + " is gone, and all connections with it.");
    return true;
  } catch (const std::runtime_error& failure) {
    done.emplace_back(failure.what());
    return false;
  }
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
    std::vector<std::string> done = dam::detach(left.pins);
    if (!dam::records_in(left.nics).empty()) {
      for (std::string& one : dam::NicBinding({.records = left.nics}).give_back()) {
        done.push_back(std::move(one));
      }
    }
    const bool forgotten = forget_tables(left.tables, done);
    const int code = forgotten && dam::records_in(left.nics).empty() ? kOk : kRefused;
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

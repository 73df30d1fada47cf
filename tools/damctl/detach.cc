// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/detach.h"
#include "dataplane/drivers/netdev/nic_binding.h"

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"

namespace dam::ctl {

int detach(const Settings& settings, const std::string& pins, const std::string& nics,
           bool other_version) {
  if (geteuid() != 0) {
    std::cerr << "This needs root: sudo damctl detach\n";
    return kRefused;
  }
  try {
    if (other_version && (!std::filesystem::exists(pins) || !dam::left_by_another_version(pins))) {
      return kOk;
    }
    std::vector<std::string> done = dam::detach(pins);
    if (!dam::records_in(nics).empty()) {
      for (std::string& one : dam::NicBinding({.records = nics}).give_back()) {
        done.push_back(std::move(one));
      }
    }
    const int code = dam::records_in(nics).empty() ? kOk : kRefused;  // a NIC that is not back
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

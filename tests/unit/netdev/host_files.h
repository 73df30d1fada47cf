// SPDX-License-Identifier: BSD-3-Clause
// A folder that stands for a host's root, and whose eth1, which is called enp0s9 as well, is by the
// files in it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "dataplane/drivers/netdev/host_configuration.h"

namespace dam {

class HostFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/dam-host-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
    return folder_ / path;
  }
  std::string found() const {
    return configured_by({"eth1", "enp0s9"}, {2, 0, 0, 0, 0, 0xaa}, folder_);
  }
  std::filesystem::path folder_;
};

}  // namespace dam

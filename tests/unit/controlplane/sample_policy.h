// SPDX-License-Identifier: BSD-3-Clause
// A small valid policy that tests change in one place.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "controlplane/policy/load.h"

namespace dam::control {

inline constexpr char kSamplePolicy[] = R"(version: 1
interfaces:
  edge: {device: veth0, addresses: [198.51.100.2/24, "2001:db8:1::2/64"], gateway: 198.51.100.1}
  back: {device: veth1, addresses: [198.18.1.1/24, "2001:db8:2::1/64"]}
listeners:
  - {name: https, addresses: [198.51.100.2, "2001:db8:1::2"], port: 443}
  - {name: http, addresses: 198.51.100.2, port: 80, protocol: http}
  - {name: mail, addresses: 198.51.100.2, port: 25, protocol: tcp}
zones:
  light: {per_source: {connections: "50r/s burst=100"}}
  admin: {management: true}
servers:
  web: {addresses: [198.18.1.10, "2001:db8:2::10"], port: 443}
  back-office: {addresses: [198.18.1.11, "2001:db8:2::11"], port: 443}
routes:
  - {name: pages, listener: https, server_names: www.example.org, zone: light, server: web}
  - {name: manage, listener: https, server_names: manage.example.org, zone: admin, server: back-office}
  - {name: plain, listener: http, server_names: www.example.org, zone: light, server: web}
  - {name: post, listener: mail, zone: light, server: web}
)";

// The sample with its one occurrence of `from` replaced.
inline std::string sample_with(const std::string& from, const std::string& to) {
  std::string text = kSamplePolicy;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " is there twice";
  return text.replace(at, from.size(), to);
}

// "dam.yaml:3:7: error: …" of every problem.
inline std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const Problem& problem : load_policy(text, "dam.yaml", ".").problems) {
    lines.push_back(problem.text());
  }
  return lines;
}

// The sample with one change, and every message that it must give.
struct SampleRow {
  const char* sentence;
  const char* from;
  const char* to;
  std::vector<std::string> expected;
};

inline void check(const std::vector<SampleRow>& rows) {
  for (const SampleRow& row : rows) {
    EXPECT_EQ(problems_of(sample_with(row.from, row.to)), row.expected) << row.sentence;
  }
}

inline std::filesystem::path source_root() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A folder of its own for each test, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "dam-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return file(name);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dam::control

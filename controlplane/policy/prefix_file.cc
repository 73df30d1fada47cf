// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/prefix_file.h"

#include <fstream>
#include <sstream>
#include <string_view>

namespace dam::control {

namespace {

constexpr uintmax_t kLargestFileBytes = 512u << 20;
constexpr int kMostReports = 20;  // of one file

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

void read_lines(std::string_view text, const std::string& path, std::vector<Network>& networks,
                Problems& problems) {
  int bad_lines = 0;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    if (const auto network = parse_network(line)) {
      networks.push_back(network->masked());
    } else if (++bad_lines <= kMostReports) {
      problems.add({Severity::error,
                    path,
                    {number, 1},
                    "not a network",
                    "write one network a line, e.g. 198.51.100.0/24"});
    }
  }
  if (bad_lines > kMostReports) {
    problems.add({Severity::error,
                  path,
                  {},
                  std::to_string(bad_lines - kMostReports) + " more lines are not networks",
                  ""});
  }
}

}  // namespace

void read_prefix_file(const std::filesystem::path& folder, const Located<std::string>& file,
                      std::vector<Network>& networks, Problems& problems) {
  const std::filesystem::path path = folder / file.value;
  std::error_code error;
  // Devices and pipes never end, or never begin.
  if (!std::filesystem::is_regular_file(path, error)) {
    problems.error(file.mark, "file \"" + file.value + "\" does not exist or is not a file",
                   "paths are relative to the folder of dam.yaml");
    return;
  }
  if (std::filesystem::file_size(path, error) > kLargestFileBytes || error) {
    problems.error(file.mark, "file \"" + file.value + "\" is larger than 512 MiB");
    return;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    problems.error(file.mark, "file \"" + file.value + "\" cannot be read",
                   "may the control plane read it?");
    return;
  }
  read_lines(text.view(), path.string(), networks, problems);
}

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/configuration_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <system_error>

namespace dam {
namespace {

namespace fs = std::filesystem;

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

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

std::vector<fs::path> files_of(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> files_of_first(const std::vector<fs::path>& folders,
                                     const std::string& ending) {
  std::map<std::string, fs::path> by_name;
  std::error_code none;
  for (const fs::path& folder : folders) {
    for (const fs::path& file : files_of(folder, ending)) {
      // A link that leads nowhere hides nothing: rather one file too many is believed.
      if (fs::exists(file, none)) by_name.try_emplace(file.filename(), file);
    }
  }
  std::vector<fs::path> files;
  for (const auto& [name, file] : by_name) files.push_back(file);
  return files;
}

// A comment ends with its line, whatever its last character.
std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return lines;  // reading a pipe would wait
  std::ifstream in(file);
  bool goes_on = false;
  for (std::string line; std::getline(in, line);) {
    line = trimmed(line);
    if (line.starts_with('#') || line.starts_with(';')) continue;
    const bool next = line.ends_with('\\');
    if (next) line.back() = ' ';
    if (goes_on) {
      lines.back() += line;
    } else {
      lines.push_back(line);
    }
    goes_on = next;
  }
  return lines;
}

std::vector<Setting> settings_of(const fs::path& file) {
  std::vector<Setting> settings;
  std::string section;
  for (const std::string& line : lines_of(file)) {
    const size_t equals = line.find('=');
    if (line.starts_with('[')) {
      section = line;
    } else if (equals != std::string::npos) {
      settings.push_back(
          {section, trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1))});
    }
  }
  return settings;
}

}  // namespace dam

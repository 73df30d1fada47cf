// SPDX-License-Identifier: BSD-3-Clause
// What the formats of the host's network configuration have in common.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dam {

using Words = std::vector<std::string>;

Words words_of(const std::string& line);
bool has(const Words& words, const std::string& word);
bool is_one_of(std::string_view word, const std::vector<std::string_view>& all);

// In the order of their names; a folder that is none has none.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                            const std::string& ending);
// Of several folders, in the order of their names; of those with one name the first folder's alone.
std::vector<std::filesystem::path> files_of_first(const std::vector<std::filesystem::path>& folders,
                                                  const std::string& ending);

// Without comments; those that a backslash continues are one.
std::vector<std::string> lines_of(const std::filesystem::path& file);

struct Setting {
  std::string section;  // "[Match]"
  std::string key;
  std::string value;
};
// Of a file in the manner of .ini.
std::vector<Setting> settings_of(const std::filesystem::path& file);

}  // namespace dam

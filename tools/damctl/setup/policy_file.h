// SPDX-License-Identifier: BSD-3-Clause
// dam.yaml on the disk: the new text whole or the old one, and the old one kept.
#pragma once

#include <optional>
#include <string>

namespace dam::ctl {

struct Written {
  std::string backup;  // the old file's new name; empty: there was none
  std::string error;   // in words; empty: it is written
};

// `before`: the text that the change began from, or nothing where there was no file: whatever
// somebody else has written meanwhile stays. Owner and mode are those of the old file; a new one
// is for root and the group dam, or, where there is none, for all to read. A symbolic link stays
// one.
Written write_policy(const std::string& file, const std::optional<std::string>& before,
                     const std::string& text);

// Why it could not be written; empty: nothing speaks against it. So that nothing is put in force
// whose file cannot follow.
std::string why_not_writable(const std::string& file);

}  // namespace dam::ctl

// SPDX-License-Identifier: BSD-3-Clause
// What a NIC was before it was taken from the kernel: a file for each, of a folder that root alone
// may enter, so that whoever gives it back can: this process's keeper, the next dataplane, damctl.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/interface_state.h"

namespace dam {

struct NicRecord {
  std::string address;    // PCI
  std::string driver;     // the kernel's; empty: it had none
  std::string interface;  // empty: it had none
  InterfaceState state;
};

std::string text_of(const NicRecord& record);
std::optional<NicRecord> read_record(const std::string& text);

// Throws std::runtime_error with a sentence.
void save_record(const std::string& folder, const NicRecord& record);
std::vector<NicRecord> records_in(const std::string& folder);
void remove_record(const std::string& folder, const std::string& address);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane tells of its interfaces (DAM_INTERFACE_FIELDS), as a list: metrics, API and
// its document are made of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"

namespace dam::control {

struct InterfaceField {
  const char* name;
  bool flag;  // yes or no; else a number
  double factor;
  const char* metric;
  const char* text;
  uint64_t dam_interface_state::*member;
};

const std::vector<InterfaceField>& interface_fields();

// Those that are there, by value: the file may change meanwhile.
std::vector<dam_interface_state> interfaces_of(const dam_counters& counters);

std::vector<std::string> steering_names();
std::string steering_name(const dam_interface_state& state);
std::string steering_texts();  // "single: one worker takes everything; nic_hash: …"

}  // namespace dam::control

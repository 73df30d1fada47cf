// SPDX-License-Identifier: BSD-3-Clause
// Changes to single keys of a zone, written as in dam.yaml.
#pragma once

#include <string>
#include <vector>

#include "controlplane/policy/model.h"

namespace dam::control {

struct ZoneChange {
  std::string zone;
  std::string key;    // "per_source.packets"
  std::string value;  // as dam.yaml writes it: "50r/s burst=100"
};

// What is wrong with the key or the value is reported without a place.
void change_zone(Zone& zone, const ZoneChange& change, Problems& problems);

// The lines that make the changes last when they are put into dam.yaml.
std::string yaml_of_changes(const std::vector<ZoneChange>& changes);

}  // namespace dam::control

// SPDX-License-Identifier: BSD-3-Clause
// The shared-memory file of core/counters.h: the dataplane writes it, anyone with the right to read
// the file may look.
#pragma once

#include <string>

#include "dataplane/core/counters.h"
#include "dataplane/engine/policy.h"

namespace dam {

class CountersFile {
 public:
  // Makes a new file and puts it in the place of an old one: readers of the old one keep a sound
  // (if dead) map. Throws std::system_error with a sentence.
  CountersFile(std::string path, const std::string& driver, uint32_t workers, uint64_t tsc_hz);
  ~CountersFile();
  CountersFile(const CountersFile&) = delete;
  CountersFile& operator=(const CountersFile&) = delete;

  dam_counters* counters() { return counters_; }
  const std::string& path() const { return path_; }
  // The names of zones and servers by slot; retired slots are blank.
  void mirror_names(const Policy& policy);

 private:
  std::string path_;
  dam_counters* counters_ = nullptr;
};

}  // namespace dam

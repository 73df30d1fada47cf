// SPDX-License-Identifier: BSD-3-Clause
// The writable memory of lwIP's library, as it was before its first call: whoever puts it back has
// a stack that has never run. What that stack had allocated stays lost with its process.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dam::simulation {

class LwipMemory {
 public:
  LwipMemory();  // before lwip_init()
  void put_back();

 private:
  std::span<uint8_t> live_;
  std::vector<uint8_t> first_;
};

}  // namespace dam::simulation

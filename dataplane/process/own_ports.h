// SPDX-License-Identifier: BSD-3-Clause
// On devices that the host uses too, its kernel must not give the dam's source ports to programs of
// the host: their connections to the servers would be taken for the dam's.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "dataplane/drivers/netdev/reserved_ports.h"

namespace dam {

class OwnPorts {
 public:
  // `record`: 1,024 words, which say what of the host's list is ours; an earlier dataplane may have
  // written them. `stay`: at the end the ports stay reserved, for connections that go on.
  OwnPorts(bool stay, std::span<uint64_t> record) : stay_(stay), record_(record) {}
  ~OwnPorts();
  OwnPorts(const OwnPorts&) = delete;
  OwnPorts& operator=(const OwnPorts&) = delete;

  // In place of those before; what others have reserved is left alone. Gives sentences for people;
  // empty: as ever.
  std::string reserve(Ports ports);

 private:
  std::string put(const PortSet& others, const PortSet& more, Ports ports);

  bool stay_;
  std::span<uint64_t> record_;
};

// What to say when `ports` cannot be reserved, since the host would have too few left.
std::string too_few_left(Ports ephemeral, Ports ports);

}  // namespace dam

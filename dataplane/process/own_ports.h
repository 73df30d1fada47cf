// SPDX-License-Identifier: BSD-3-Clause
// On devices that the host uses too, its kernel must not give the dam's source ports to programs of
// the host: their connections to the servers would be taken for the dam's.
#pragma once

#include <optional>
#include <string>

#include "dataplane/drivers/netdev/reserved_ports.h"

namespace dam {

class OwnPorts {
 public:
  // `stay`: they stay reserved at the end, for connections that go on. `standing`: those of an
  // earlier dataplane.
  OwnPorts(bool stay, std::optional<Ports> standing);
  ~OwnPorts();  // unless they stay, reserved is what was
  OwnPorts(const OwnPorts&) = delete;
  OwnPorts& operator=(const OwnPorts&) = delete;

  // In place of those before. Gives sentences for people; empty: as ever.
  std::string reserve(Ports ports);

 private:
  std::string put(const std::string& reserved, Ports ports);

  bool stay_;
  std::string before_;
  std::string now_;
};

// What to say when `ports` cannot be reserved, since the host would have too few left.
std::string too_few_left(Ports ephemeral, Ports ports);

}  // namespace dam

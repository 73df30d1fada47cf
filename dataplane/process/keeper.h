// SPDX-License-Identifier: BSD-3-Clause
// The keeper: a parent process that keeps two capabilities and no input but a pipe. It waits for
// the dataplane to end, however that ends, and takes away what the dataplane may no longer touch
// then: XDP programs and promiscuous mode on the interfaces, NICs from the kernel's drivers, and
// the control socket's file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace dam {

// What we changed on a kernel interface.
struct InterfaceChange {
  bool xdp_program = false;  // attached without a link that ends with the process
  bool promiscuous = false;
  uint32_t offloads = 0;  // enum OffloadBit: switched off
};

class Keeper {
 public:
  // Forks. Comes back in the child alone; the parent cleans up after it and exits with its status.
  // `nics`: the folder of what NICs were before; they go back to the kernel at the end, too.
  Keeper(const std::string& socket_path, const std::string& nics);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // To be undone; only what comes before seal() is believed.
  void changed_interface(const std::string& name, const InterfaceChange& change);
  // The host's reserved ports will be changed: as they are now they are to be again.
  void changed_ports();
  // Before privileges are dropped: what comes after it may be the work of an intruder.
  void seal();
  // After the last change of user: the kernel forgets it then.
  void end_with_parent();

 private:
  void tell(const void* change);

  int pipe_ = -1;
  std::string reserved_ports_;
};

}  // namespace dam

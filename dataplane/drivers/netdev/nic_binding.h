// SPDX-License-Identifier: BSD-3-Clause
// NICs from the kernel to user space (vfio-pci), and back. The dataplane does it itself, as root,
// before it opens its ports: it alone knows which ports, and whoever waits for its end (the keeper)
// can undo it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/nic_record.h"
#include "dataplane/drivers/netdev/pci_device.h"

namespace dam {

// May the host lose what it does with a NIC?
enum class HostShare : uint8_t { unsaid, path, none };  // path: it goes on, beside the dam

struct NicWish {
  std::string device;  // a PCI address, or an interface of the kernel's
  HostShare host = HostShare::unsaid;
};

// `bind`: interfaces of the kernel's are taken, too, and not its PCI addresses alone.
bool is_taken_by_dpdk(const std::string& device, bool bind);

struct NicRules {
  std::string records;  // folder
  bool unsafe_noiommu = false;
  std::string sysfs = "/sys";  // others in tests alone
  std::string root = "/";      // of the host's configuration
};

// Why these NICs cannot be taken, with what to do about it; a sentence or two each. Touches
// nothing.
std::vector<std::string> nic_obstacles(const std::vector<NicWish>& wishes, const NicRules& rules);
// Of one of them; empty: there is none.
std::string nic_obstacle(const NicWish& wish, const std::vector<NicWish>& all,
                         const NicRules& rules);

struct TakenNic {
  std::string address;
  bool iommu = true;                // no: DPDK must work with physical addresses
  std::string says;                 // what was done, for people; empty: nothing
  std::optional<NicRecord> before;  // empty: it was no NIC of the kernel's
};

// The folder of records, for one process at a time.
class NicBinding {
 public:
  // Throws std::runtime_error with a sentence when another process has it.
  explicit NicBinding(NicRules rules);
  ~NicBinding();
  NicBinding(const NicBinding&) = delete;
  NicBinding& operator=(const NicBinding&) = delete;

  // Throws std::runtime_error with a sentence; the NIC is as it was then.
  TakenNic take(const NicWish& wish);
  // All NICs but these go back, with what they had; a sentence for each.
  std::vector<std::string> give_back(const std::vector<std::string>& but = {});

 private:
  bool bind_to_user_space(const PciDevice& device);
  std::string give_back(const NicRecord& record);

  NicRules rules_;
  int fd_ = -1;
};

// The PCI address that a device of the policy stands for; a NIC that is taken already is found by
// the name that it had. Empty: none.
std::string nic_address(const std::string& device, const NicRules& rules);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// The NICs that DPDK takes from the kernel for this process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/nic_binding.h"
#include "dataplane/engine/start_config.h"

namespace dam {

// Why they cannot be taken, one sentence each; touches nothing.
std::vector<std::string> obstacles_to_nics(const StartConfig& config);

class DpdkNics {
 public:
  // Takes them, and gives back what an earlier process took and nobody wants any more. Devices of
  // `config` are PCI addresses afterwards. Throws std::runtime_error; the keeper undoes the rest.
  explicit DpdkNics(StartConfig& config);

  std::vector<std::string> addresses() const;
  bool has_iommu() const;
  // What the host had there, before; null: nothing that is known of.
  const NicRecord* before(const std::string& device) const;

 private:
  std::unique_ptr<NicBinding> binding_;
  std::vector<TakenNic> taken_;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
// vfio without an IOMMU: a switch of the kernel's for all of the machine, on for as long as a NIC
// is taken that needs it.
#pragma once

#include <string>

namespace dam {

// What it was before is written to the folder of records first, for whoever switches it back.
void switch_on_noiommu(const std::string& sysfs, const std::string& records);
// As it was before; nothing where it was not switched.
void restore_noiommu(const std::string& sysfs, const std::string& records);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/shared_array.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dam {

SharedArray::SharedArray(int map_fd, uint32_t value_bytes, uint32_t entries) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t stride = (value_bytes + 7) / 8 * 8;
  bytes_ = stride * entries;
  const size_t mapped = (bytes_ + page - 1) / page * page;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "Mapping a kernel table");
  }
  memory_ = {memory, Unmap{mapped}};
}

void Unmap::operator()(void* memory) const { munmap(memory, bytes); }

}  // namespace dam

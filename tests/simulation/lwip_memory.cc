// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/lwip_memory.h"

#include <link.h>

#include <cstdlib>
#include <cstring>

namespace dam::simulation {

namespace {

// .data and .bss: what of the writable segment lies behind the relocations, which the loader has
// made read-only (RELRO).
int find_writable(dl_phdr_info* object, size_t, void* found) {
  if (std::strstr(object->dlpi_name, "liblwip") == nullptr) return 0;
  uintptr_t begin = 0;
  uintptr_t end = 0;
  for (const ElfW(Phdr) & part : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    const uintptr_t first = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && (part.p_flags & PF_W) != 0) end = first + part.p_memsz;
    if (part.p_type == PT_GNU_RELRO) begin = first + part.p_memsz;
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
  *static_cast<std::span<uint8_t>*>(found) = {reinterpret_cast<uint8_t*>(begin), end - begin};
  return begin != 0 && begin < end;
}

}  // namespace

LwipMemory::LwipMemory() {
  if (dl_iterate_phdr(find_writable, &live_) == 0) std::abort();
  first_.assign(live_.begin(), live_.end());
}

void LwipMemory::put_back() { std::memcpy(live_.data(), first_.data(), first_.size()); }

}  // namespace dam::simulation

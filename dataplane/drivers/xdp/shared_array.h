// SPDX-License-Identifier: BSD-3-Clause
// An array map of the kernel's in this process's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace dam {

struct Unmap {
  size_t bytes = 0;
  void operator()(void* memory) const;
};

// An array map, mapped into this process until the end of the object.
class SharedArray {
 public:
  SharedArray() = default;
  SharedArray(int map_fd, uint32_t value_bytes, uint32_t entries);  // throws std::system_error
  template <class T>
  std::span<T> as() const {
    return {static_cast<T*>(memory_.get()), bytes_ / sizeof(T)};
  }

 private:
  size_t bytes_ = 0;
  std::unique_ptr<void, Unmap> memory_;
};

}  // namespace dam

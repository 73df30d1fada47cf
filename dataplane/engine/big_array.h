// SPDX-License-Identifier: BSD-3-Clause
// A fixed array of plain records, made once and touched whole at once, so that the packet path
// meets neither an allocation nor a page fault. From 2 MiB on it lies in huge pages where the
// kernel has some: on a virtual machine a miss of the TLB costs more than a miss of the cache.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace dam {

// For std::vector, too.
template <class T>
struct BigAllocator {
  using value_type = T;
  BigAllocator() = default;
  template <class U>
  explicit BigAllocator(const BigAllocator<U>&) {}

  static T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    void* memory = ::operator new(bytes, alignment(bytes));
    if (bytes >= kHugePage)
      madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: ordinary pages do, too
    return static_cast<T*>(memory);
  }
  static void deallocate(T* memory, std::size_t count) {
    ::operator delete(memory, alignment(count * sizeof(T)));
  }
  bool operator==(const BigAllocator&) const = default;

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static std::align_val_t alignment(std::size_t bytes) {
    constexpr std::size_t kLine = alignof(T) > 64 ? alignof(T) : 64;
    return std::align_val_t{bytes >= kHugePage ? kHugePage : kLine};
  }
};

template <class T>
class BigArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  BigArray() = default;
  explicit BigArray(std::size_t count) : size_(count) {
    if (count == 0) return;
    data_ = {BigAllocator<T>::allocate(count), Free{count}};
    std::memset(static_cast<void*>(data()), 0, bytes());
  }
  // Memory of another owner, as it is; it must outlive the array.
  explicit BigArray(std::span<T> memory) : size_(memory.size()), data_(memory.data(), Free{}) {}

  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  std::span<T> all() { return {data(), size_}; }

 private:
  struct Free {
    std::size_t count = 0;  // 0: not ours
    void operator()(T* p) const {
      if (count != 0) BigAllocator<T>::deallocate(p, count);
    }
  };

  std::size_t size_ = 0;
  std::unique_ptr<T, Free> data_{nullptr, Free{}};
};

}  // namespace dam

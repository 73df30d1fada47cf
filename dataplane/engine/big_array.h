// SPDX-License-Identifier: BSD-3-Clause
// A fixed array of plain records, made once and touched whole at once, so that the packet path
// meets neither an allocation nor a page fault. From 2 MiB on it is aligned for the kernel's huge
// pages.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace dam {

template <class T>
class BigArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  BigArray() = default;
  explicit BigArray(std::size_t count) : size_(count), data_(allocate(count), Free{count}) {}

  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  std::span<T> all() { return {data(), size_}; }

 private:
  static std::align_val_t alignment(std::size_t count) {
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    constexpr std::size_t kLine = alignof(T) > 64 ? alignof(T) : 64;
    return std::align_val_t{count * sizeof(T) >= kHugePage ? kHugePage : kLine};
  }
  static T* allocate(std::size_t count) {
    void* memory = ::operator new(count * sizeof(T), alignment(count));
    std::memset(memory, 0, count * sizeof(T));
    return static_cast<T*>(memory);
  }
  struct Free {
    std::size_t count = 0;
    void operator()(T* p) const { ::operator delete(p, alignment(count)); }
  };

  std::size_t size_ = 0;
  std::unique_ptr<T, Free> data_{nullptr, Free{}};
};

}  // namespace dam

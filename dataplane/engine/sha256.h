// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4), for fingerprints alone: nothing secret is hashed, and nothing is proven by
// it. OpenSSL's would ask its providers, which may allocate; this one does neither.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace dam {

// Fed in pieces; the digest may be taken once.
class Sha256 {
 public:
  void add(std::span<const uint8_t> bytes);
  std::array<uint8_t, 32> digest();

 private:
  static constexpr uint32_t kBlockBytes = 64;

  void compress(const uint8_t* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, kBlockBytes> block_;
  uint64_t bytes_ = 0;
};

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/core/types.h"

namespace dam {
namespace {

// FIPS 180-4 4.2.2: of the cube roots of the first 64 primes, the first 32 bits of the fractions.
constexpr std::array<uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t small_sigma(uint32_t x, int first, int second, int shift) {
  return std::rotr(x, first) ^ std::rotr(x, second) ^ x >> shift;
}
uint32_t big_sigma(uint32_t x, int first, int second, int third) {
  return std::rotr(x, first) ^ std::rotr(x, second) ^ std::rotr(x, third);
}

std::array<uint32_t, 64> schedule(const uint8_t* block) {
  std::array<uint32_t, 64> w;
  for (size_t i = 0; i < 16; ++i) w[i] = dam_load_be32(block + 4 * i);
  for (size_t i = 16; i < w.size(); ++i) {
    w[i] =
        small_sigma(w[i - 2], 17, 19, 10) + w[i - 7] + small_sigma(w[i - 15], 7, 18, 3) + w[i - 16];
  }
  return w;
}

}  // namespace

// FIPS 180-4 6.2.2.
void Sha256::compress(const uint8_t* block) {
  const std::array<uint32_t, 64> w = schedule(block);
  auto [a, b, c, d, e, f, g, h] = state_;
  for (size_t i = 0; i < w.size(); ++i) {
    const uint32_t t1 = h + big_sigma(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const uint32_t t2 = big_sigma(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<uint32_t, 8> last{a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < state_.size(); ++i) state_[i] += last[i];
}

void Sha256::add(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const uint64_t filled = bytes_ % kBlockBytes;
    const size_t taken = std::min<size_t>(kBlockBytes - filled, bytes.size());
    std::memcpy(&block_[filled], bytes.data(), taken);
    bytes_ += taken;
    bytes = bytes.subspan(taken);
    if (bytes_ % kBlockBytes == 0) compress(block_.data());
  }
}

std::array<uint8_t, 32> Sha256::digest() {
  std::array<uint8_t, 8> bits;
  dam_store_be32(bits.data(), static_cast<uint32_t>(bytes_ * 8 >> 32));
  dam_store_be32(bits.data() + 4, static_cast<uint32_t>(bytes_ * 8));
  constexpr std::array<uint8_t, kBlockBytes> kPadding{0x80};
  const uint64_t behind = bytes_ % kBlockBytes;
  add({kPadding.data(), (behind < 56 ? 56 : 120) - behind});
  add(bits);
  std::array<uint8_t, 32> digest;
  for (size_t i = 0; i < state_.size(); ++i) dam_store_be32(&digest[4 * i], state_[i]);
  return digest;
}

}  // namespace dam

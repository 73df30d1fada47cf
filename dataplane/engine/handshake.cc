// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/handshake.h"

#include <algorithm>
#include <cstring>

namespace dam {

HoldPool::HoldPool(uint32_t buffers, uint32_t buffer_bytes)
    : buffer_bytes_(buffer_bytes), capacity_(buffers), bytes_(size_t{buffers} * buffer_bytes) {
  free_.reserve(buffers);
  for (uint32_t i = buffers; i > 0; --i) free_.push_back(i - 1);
}

uint32_t HoldPool::take() {
  if (free_.empty()) return kNone;
  const uint32_t index = free_.back();
  free_.pop_back();
  count_used();
  return index;
}

void Handshake::set_name(std::string_view text) {
  name_bytes = static_cast<uint16_t>(std::min(text.size(), name.size()));
  if (name_bytes == 0) return;
  std::memcpy(name.data(), text.data(), name_bytes);
}

// RFC 7301 3.1: names with a length byte in front; the first is the client's favourite.
void Handshake::set_alpn(std::string_view alpn_wire) {
  alpn_bytes = 0;
  if (alpn_wire.empty()) return;
  const auto bytes = static_cast<uint8_t>(alpn_wire[0]);
  if (bytes > alpn.size() || alpn_wire.size() < 1u + bytes) return;
  alpn_bytes = bytes;
  std::memcpy(alpn.data(), alpn_wire.data() + 1, bytes);
}

namespace {

bool touches(const ByteRange& island, uint32_t begin, uint32_t end) {
  return island.end != 0 && begin <= island.end && island.begin <= end;
}

// Joins [begin, end) with the islands that it touches. False: no room for one more island.
bool add_island(Handshake& handshake, uint32_t begin, uint32_t end) {
  ByteRange* vacant = nullptr;
  for (ByteRange& island : handshake.islands) {
    if (touches(island, begin, end)) {
      begin = std::min(begin, island.begin);
      end = std::max(end, island.end);
      island = {};
    }
    if (island.end == 0) vacant = &island;
  }
  if (vacant == nullptr) return false;
  *vacant = {begin, end};
  return true;
}

// Islands that the in-order prefix has reached become part of it.
void absorb_islands(Handshake& handshake) {
  for (size_t round = 0; round < handshake.islands.size(); ++round) {
    for (ByteRange& island : handshake.islands) {
      if (island.end == 0 || island.begin > handshake.held_bytes) continue;
      handshake.held_bytes = std::max(handshake.held_bytes, island.end);
      island = {};
    }
  }
}

}  // namespace

bool hold_bytes(Handshake& handshake, std::span<uint8_t> buffer, uint64_t offset,
                std::span<const uint8_t> bytes) {
  const uint64_t begin = std::max<uint64_t>(offset, handshake.held_bytes);
  const uint64_t end = std::min<uint64_t>(offset + bytes.size(), buffer.size());
  if (begin >= end) return false;
  if (begin > handshake.held_bytes &&
      !add_island(handshake, static_cast<uint32_t>(begin), static_cast<uint32_t>(end))) {
    return false;
  }
  std::memcpy(buffer.data() + begin, bytes.data() + (begin - offset), end - begin);
  if (begin == handshake.held_bytes) {
    handshake.held_bytes = static_cast<uint32_t>(end);
    absorb_islands(handshake);
  }
  return true;
}

}  // namespace dam

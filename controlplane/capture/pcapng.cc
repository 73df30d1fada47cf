// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/capture/pcapng.h"

#include <algorithm>

namespace dam::control::pcapng {

namespace {

enum BlockType : uint32_t { kInterface = 1, kEnhancedPacket = 6, kSection = 0x0a0d0d0a };
enum Option : uint16_t {
  kEnd = 0,
  kComment = 1,
  kHardware = 2,  // of a section
  kSystem = 3,
  kProgram = 4,
  kName = 2,  // of an interface
  kTimeUnit = 9,
  kFlags = 2,  // of a packet
};
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
constexpr uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr uint32_t kInbound = 1;
constexpr size_t kMostOptionBytes = 65535;

class Block {
 public:
  explicit Block(BlockType type) {
    put32(type);
    put32(0);  // its length: done()
  }

  Block& put16(uint32_t value) {
    octets_ += static_cast<char>(value & 0xff);
    octets_ += static_cast<char>(value >> 8 & 0xff);
    return *this;
  }
  Block& put32(uint32_t value) { return put16(value & 0xffff).put16(value >> 16); }
  Block& put(std::string_view octets) {
    octets_ += octets;
    octets_.resize((octets_.size() + 3) / 4 * 4);  // each block begins at a multiple of 4
    return *this;
  }
  // None where there is nothing to say.
  Block& option(Option code, std::string_view value) {
    if (value.empty()) return *this;
    value = value.substr(0, kMostOptionBytes);
    return put16(code).put16(static_cast<uint32_t>(value.size())).put(value);
  }
  Block& option32(Option code, uint32_t value) { return put16(code).put16(4).put32(value); }

  std::string done() {
    put32(kEnd);
    const auto length = static_cast<uint32_t>(octets_.size() + 4);
    put32(length);  // at both its ends
    std::copy(octets_.end() - 4, octets_.end(), octets_.begin() + 4);
    return std::move(octets_);
  }

 private:
  std::string octets_;
};

}  // namespace

std::string section_header(const Origin& origin) {
  return Block(kSection)
      .put32(kByteOrder)
      .put16(1)  // version 1.0
      .put16(0)
      .put32(UINT32_MAX)  // as long as it is
      .put32(UINT32_MAX)
      .option(kHardware, origin.hardware)
      .option(kSystem, origin.system)
      .option(kProgram, origin.program)
      .option(kComment, origin.comment)
      .done();
}

std::string interface_description(std::string_view name, uint32_t snap_bytes) {
  return Block(kInterface)
      .put16(kEthernet)
      .put16(0)
      .put32(snap_bytes)
      .option(kName, name)
      .option(kTimeUnit, "\x09")  // 10^-9 s
      .done();
}

std::string enhanced_packet(const Packet& packet) {
  return Block(kEnhancedPacket)
      .put32(packet.interface)
      .put32(static_cast<uint32_t>(packet.unix_ns >> 32))
      .put32(static_cast<uint32_t>(packet.unix_ns))
      .put32(static_cast<uint32_t>(packet.octets.size()))
      .put32(packet.frame_bytes)
      .put(packet.octets)
      .option32(kFlags, kInbound)
      .option(kComment, packet.comment)
      .done();
}

}  // namespace dam::control::pcapng

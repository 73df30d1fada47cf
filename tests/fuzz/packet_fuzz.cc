// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a frame, through parsing, options and splice translation: nothing outside the frame
// is touched, offsets stay in it, and a packet whose checksums were right leaves with right ones.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/tcp_options.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

// The first bytes of an input are the flow's state, the others are the frame.
struct Setting {
  dam_splice splice;
  uint32_t src[4], dst[4];
  uint16_t src_port, dst_port;
  uint8_t direction;
  uint8_t reserved[3];
};

// ASan guards both its ends; never a null pointer, as a driver's never is.
std::unique_ptr<uint8_t[]> exact_copy(std::span<const uint8_t> bytes) {
  auto memory = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), memory.get());
  return memory;
}

dam_rewrite rewrite_for(const Setting& setting, int family) {
  dam_rewrite rewrite{};
  rewrite.src = dam_address_v4(setting.src[3]);
  rewrite.dst = dam_address_v4(setting.dst[3]);
  if (family == 6) {
    std::memcpy(&rewrite.src, setting.src, sizeof setting.src);
    std::memcpy(&rewrite.dst, setting.dst, sizeof setting.dst);
  }
  rewrite.src_port.raw = setting.src_port;
  rewrite.dst_port.raw = setting.dst_port;
  return rewrite;
}

void check_offsets(const dam_packet& packet, size_t frame_bytes) {
  check(packet.l3 <= packet.end && packet.end <= frame_bytes, "the packet lies in the frame");
  if (packet.kind != DAM_KIND_TCP) return;
  check(packet.l3 < packet.l4 && packet.l4 + 20 <= packet.payload, "headers in order");
  check(packet.payload + packet.payload_bytes == packet.end, "the payload ends the packet");
}

void set_checksums(uint8_t* frame, const dam_packet& packet) {
  if (packet.family == 4) dam_checksum_ipv4_set(frame + packet.l3);
  dam_checksum_tcp_set(frame, &packet);
}

void check_translation(std::span<uint8_t> frame, dam_packet packet, const Setting& setting) {
  uint8_t* end = frame.data() + frame.size();
  set_checksums(frame.data(), packet);
  check(dam_parse(frame.data(), end, &packet) == DAM_DROP_none, "checksums change no parsing");
  const std::vector<uint8_t> before(frame.begin(), frame.end());
  const dam_rewrite rewrite = rewrite_for(setting, packet.family);
  // No flow over IPv6 has such an address: it would pass for IPv4's (engine/adopt.cc, ipc/).
  const bool mapped = dam_address_is_v4(&rewrite.src) || dam_address_is_v4(&rewrite.dst);
  if (packet.family == 6 && mapped) return;
  const auto direction = static_cast<dam_direction>(setting.direction & 1);
  const auto refused =
      dam_splice_translate(frame.data(), end, &packet, &setting.splice, direction, &rewrite);
  if (refused != DAM_DROP_none) {
    check(std::equal(before.begin(), before.end(), frame.begin()), "a refused packet stays");
    return;
  }
  dam_packet after;
  check(dam_parse(frame.data(), end, &after) == DAM_DROP_none, "a translated packet is one");
  check(after.payload == packet.payload && after.end == packet.end, "its layout stays");
  check(after.src_port.raw == rewrite.src_port.raw && dam_address_equal(&after.dst, &rewrite.dst),
        "it leaves with the new addresses");
  check(dam_checksum_tcp_valid(frame.data(), &after), "its TCP checksum is right");
  check(after.family == 6 || dam_checksum_ipv4_valid(frame.data() + after.l3),
        "its IP checksum is");
  check(std::equal(frame.begin() + after.payload, frame.begin() + after.end,
                   before.begin() + after.payload),
        "its payload stays");
}

void try_frame(std::span<const uint8_t> bytes, const Setting& setting) {
  const auto memory = exact_copy(bytes);
  const std::span<uint8_t> frame(memory.get(), bytes.size());
  uint8_t* end = frame.data() + frame.size();
  dam_packet packet;
  if (dam_parse(frame.data(), end, &packet) != DAM_DROP_none) return;
  check_offsets(packet, frame.size());
  if (packet.kind != DAM_KIND_TCP) return;
  dam_tcp_options options;
  if (dam_parse_tcp_options(frame.data(), end, &packet, &options) == DAM_DROP_none) {
    check(options.sack_blocks <= 4, "at most four SACK blocks fit");
  }
  check_translation(frame, packet, setting);
}

void try_quoted(std::span<const uint8_t> bytes, const Setting& setting) {
  const auto memory = exact_copy(bytes);
  const std::span<uint8_t> quoted(memory.get(), bytes.size());
  uint8_t* end = quoted.data() + quoted.size();
  dam_packet packet;
  if (dam_parse_embedded(quoted.data(), end, &packet) != DAM_DROP_none) return;
  const dam_rewrite rewrite = rewrite_for(setting, packet.family);
  const auto travelled = static_cast<dam_direction>(setting.direction & 1);
  dam_splice_translate_embedded(quoted.data(), end, &packet, &setting.splice, travelled, &rewrite);
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dam::fuzz::Setting setting;
  if (size < sizeof setting || size > sizeof setting + 2048) return 0;
  std::memcpy(&setting, data, sizeof setting);
  const std::span<const uint8_t> frame(data + sizeof setting, size - sizeof setting);
  dam::fuzz::try_frame(frame, setting);
  dam::fuzz::try_quoted(frame, setting);
  return 0;
}

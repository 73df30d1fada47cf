// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/proxy_header.h"

#include <cstring>

#include "dataplane/engine/policy.h"

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace dam {
namespace {

constexpr std::array<uint8_t, 12> kV2Signature = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr uint32_t kV2FixedBytes = 16;
constexpr uint32_t kV2LengthAt = 14;
enum : uint8_t { kV2Local = 0x20, kV2Proxy = 0x21 };                  // version 2 and the command
enum : uint8_t { kV2Unspec = 0x00, kV2Tcp4 = 0x11, kV2Tcp6 = 0x21 };  // family and transport
enum : uint8_t { kPp2Alpn = 0x01, kPp2Authority = 0x02, kPp2Crc32c = 0x03, kPp2UniqueId = 0x05 };
constexpr uint32_t kTlvHeaderBytes = 3;

// Appends to a header. Callers stay inside the buffer: only fits() decides over what varies.
class Writer {
 public:
  explicit Writer(std::span<uint8_t, kProxyHeaderBytes> out) : out_(out) {}

  void byte(uint32_t value) { out_[bytes_++] = static_cast<uint8_t>(value); }
  void raw(const void* data, size_t bytes) {
    if (bytes != 0) std::memcpy(&out_[bytes_], data, bytes);
    bytes_ += static_cast<uint32_t>(bytes);
  }
  void text(std::string_view s) { raw(s.data(), s.size()); }
  void number(uint32_t value, uint32_t base) {
    char digits[10];
    uint32_t first = sizeof digits;
    do {
      digits[--first] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    raw(digits + first, sizeof digits - first);
  }
  bool fits(size_t bytes) const { return bytes <= kProxyHeaderBytes - bytes_; }
  uint8_t* at(uint32_t offset) { return &out_[offset]; }
  uint32_t bytes() const { return bytes_; }

 private:
  std::span<uint8_t, kProxyHeaderBytes> out_;
  uint32_t bytes_ = 0;
};

bool both_v4(const ProxyHeaderInput& input) {
  return dam_address_is_v4(&input.client) && dam_address_is_v4(&input.local);
}

void write_v4_text(Writer& writer, const dam_address& address) {
  const uint32_t value = __builtin_bswap32(address.word[3]);
  for (uint32_t shift = 24; shift != 0; shift -= 8) {
    writer.number(value >> shift & 0xff, 10);
    writer.byte('.');
  }
  writer.number(value & 0xff, 10);
}

struct Run {
  uint32_t first = 8;
  uint32_t groups = 0;
};

Run longest_zero_run(const std::array<uint16_t, 8>& group) {
  Run best, now;
  for (uint32_t i = 0; i < 8; ++i) {
    if (group[i] != 0) {
      now = {};
      continue;
    }
    if (now.groups++ == 0) now.first = i;
    if (now.groups > best.groups) best = now;
  }
  return best.groups > 1 ? best : Run{};
}

// RFC 5952 4, without its dotted form for mapped addresses, which the specification does not know.
void write_v6_text(Writer& writer, const dam_address& address) {
  std::array<uint16_t, 8> group;
  const uint8_t* raw = reinterpret_cast<const uint8_t*>(address.word);
  for (uint32_t i = 0; i < 8; ++i) group[i] = dam_load_be16(raw + 2 * i);
  const Run zeros = longest_zero_run(group);
  for (uint32_t i = 0; i < 8; ++i) {
    if (i == zeros.first) writer.text("::");
    if (i >= zeros.first && i < zeros.first + zeros.groups) continue;
    if (i != 0 && i != zeros.first + zeros.groups) writer.byte(':');
    writer.number(group[i], 16);
  }
}

void begin_v2(Writer& writer, uint8_t command, uint8_t family) {
  writer.raw(kV2Signature.data(), kV2Signature.size());
  writer.byte(command);
  writer.byte(family);
  writer.byte(0);  // the length, which finish_v2 fills in
  writer.byte(0);
}

void write_v2_addresses(Writer& writer, const ProxyHeaderInput& input, bool v4) {
  const uint32_t skip = v4 ? 3 : 0;
  writer.raw(&input.client.word[skip], (4 - skip) * 4);
  writer.raw(&input.local.word[skip], (4 - skip) * 4);
  writer.raw(&input.client_port, 2);
  writer.raw(&input.local_port, 2);
}

void write_tlv(Writer& writer, uint8_t type, const void* value, size_t bytes) {
  if (bytes == 0 || !writer.fits(kTlvHeaderBytes + bytes)) return;
  writer.byte(type);
  writer.byte(static_cast<uint32_t>(bytes >> 8));
  writer.byte(static_cast<uint32_t>(bytes & 0xff));
  writer.raw(value, bytes);
}

constexpr std::array<uint32_t, 256> make_crc32c_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}
[[maybe_unused]] constexpr std::array<uint32_t, 256> kCrc32cTable = make_crc32c_table();

}  // namespace

uint32_t crc32c(std::span<const uint8_t> bytes) {
  uint32_t crc = ~0u;
#ifdef __SSE4_2__
  for (const uint8_t byte : bytes) crc = _mm_crc32_u8(crc, byte);
#else
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ kCrc32cTable[(crc ^ byte) & 0xff];
#endif
  return ~crc;
}

uint32_t write_proxy_v1(std::span<uint8_t, kProxyHeaderBytes> out, const ProxyHeaderInput& input) {
  Writer writer(out);
  const bool v4 = both_v4(input);
  const auto write_address = v4 ? write_v4_text : write_v6_text;
  writer.text(v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  write_address(writer, input.client);
  writer.byte(' ');
  write_address(writer, input.local);
  writer.byte(' ');
  writer.number(dam_ntoh16(input.client_port), 10);
  writer.byte(' ');
  writer.number(dam_ntoh16(input.local_port), 10);
  writer.text("\r\n");
  return writer.bytes();
}

uint32_t write_proxy_v2(std::span<uint8_t, kProxyHeaderBytes> out, const ProxyHeaderInput& input) {
  Writer writer(out);
  const bool v4 = both_v4(input);
  begin_v2(writer, kV2Proxy, v4 ? kV2Tcp4 : kV2Tcp6);
  write_v2_addresses(writer, input, v4);
  const uint32_t checksum_at = writer.bytes() + kTlvHeaderBytes;
  const uint32_t zero = 0;
  if (input.tlvs & kTlvCrc32c) write_tlv(writer, kPp2Crc32c, &zero, sizeof zero);
  if (input.tlvs & kTlvUniqueId) {
    write_tlv(writer, kPp2UniqueId, input.unique_id.data(), input.unique_id.size());
  }
  if (input.tlvs & kTlvAlpn) {
    write_tlv(writer, kPp2Alpn, input.alpn.data(), input.alpn.size());
  }
  if (input.tlvs & kTlvAuthority) {
    write_tlv(writer, kPp2Authority, input.authority.data(), input.authority.size());
  }
  dam_store_be16(writer.at(kV2LengthAt), static_cast<uint16_t>(writer.bytes() - kV2FixedBytes));
  if (input.tlvs & kTlvCrc32c) {  // over the whole header, with the checksum's own bytes zero
    dam_store_be32(writer.at(checksum_at), crc32c(out.first(writer.bytes())));
  }
  return writer.bytes();
}

uint32_t write_proxy_v2_local(std::span<uint8_t, kProxyHeaderBytes> out) {
  Writer writer(out);
  begin_v2(writer, kV2Local, kV2Unspec);
  return writer.bytes();
}

}  // namespace dam

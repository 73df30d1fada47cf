// SPDX-License-Identifier: BSD-3-Clause
// Reads a TLS ClientHello from the first bytes of a connection: RFC 8446 4.1.2 and 5.1 (RFC 5246
// for older clients), RFC 6066 3 (server_name), RFC 7301 3.1 (ALPN). All bytes are hostile.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/core/counters.h"
#include "dataplane/engine/hello_status.h"

namespace dam {

// Views point into `bytes` or `scratch` of the call that filled them.
struct ClientHello {
  // Lower case, without one trailing dot; empty: the client named none. Letters, digits, '-', '_'
  // and
  // '.', no empty label; the last label is not all digits, so that no IPv4 literal passes: RFC 6066
  // forbids literals here, and a client that sends one is refused as malformed, not taken as
  // nameless.
  std::string_view server_name;
  std::string_view alpn_wire;  // ProtocolNameList body, checked: length-prefixed names; empty: none
  uint16_t legacy_version = 0;  // host order, e.g. 0x0303
  // The highest one offered (RFC 8446 4.2.1, without GREASE: RFC 8701). For the counters alone: an
  // extension that cannot be read makes it `other`, and is the server's to refuse.
  dam_tls_version best_version = DAM_TLS_other;
  uint16_t best_number = 0;  // the same as its number on the wire
  // For fingerprints: bodies of the lists, checked; of signature_algorithms (RFC 8446 4.2.3) only
  // if it can be read, else empty.
  std::span<const uint8_t> cipher_suites;
  std::span<const uint8_t> extensions;
  std::span<const uint8_t> signature_algorithms;
  bool has_ech = false;     // encrypted_client_hello is there: server_name is the outer name
  uint32_t wire_bytes = 0;  // complete: where the hello's last record ends
  uint32_t need_bytes = 0;  // incomplete: no call with fewer bytes than this can complete
};

inline constexpr uint32_t kServerNameExtension = 0;
inline constexpr uint32_t kAlpnExtension = 16;

// Values that stand for nothing, so that servers get used to unknown ones (RFC 8701).
constexpr bool is_grease(uint32_t number) {
  return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

// Is a protocol in the client's ProtocolNameList, as parse_client_hello has it?
bool offers(std::string_view alpn_wire, std::string_view protocol);

// Parses the hello in `bytes`, the client's bytes from the first one of the connection, in order
// and without gaps, however many TLS records they hold. Bytes behind the hello's last record (0-RTT
// data) are not looked at. A hello that would take more than max_bytes with its record headers is
// too_long. scratch needs hello_scratch_bytes(max_bytes).
//
// Refused as malformed as early as the bytes tell: other record or handshake types, record lengths
// of 0 or above 2^14, a hello that does not end where its record does (RFC 8446 5.1), any length
// that does not add up, the same extension twice.
//
// `incomplete` costs a walk over the record headers; a caller that waits for need_bytes before it
// calls again makes O(log n) calls even for one byte a segment in one-byte records.
HelloStatus parse_client_hello(std::span<const uint8_t> bytes, std::span<uint8_t> scratch,
                               uint32_t max_bytes, ClientHello& out);

}  // namespace dam

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/client_hello.h"

#include <algorithm>
#include <cstring>

#include "dataplane/core/types.h"
#include "dataplane/engine/host_name.h"

namespace dam {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint32_t kRecordHeaderBytes = 5;
constexpr uint32_t kHandshakeHeaderBytes = 4;
constexpr uint32_t kMaxRecordBytes = 1u << 14;  // RFC 8446 5.1
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloType = 1;
constexpr uint8_t kVersionMajor = 3;  // SSL 3.0 and every TLS

constexpr uint32_t kSignatureAlgorithmsExtension = 13;
constexpr uint32_t kSupportedVersionsExtension = 43;
constexpr uint32_t kEchExtension = 0xfe0d;
constexpr uint32_t kHostNameType = 0;

// Takes fields off the front of a vector. The first field that is not there, or whose length is out
// of bounds, makes it bad for good: callers check once, at the end.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  uint32_t number(uint32_t width) {
    uint32_t value = 0;
    for (const uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }
  Bytes take(uint32_t bytes) {
    if (bytes > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }
  // A variable-length vector (RFC 8446 3.4) behind a length of `width` bytes.
  Bytes vector(uint32_t width, uint32_t least, uint32_t most) {
    const uint32_t bytes = number(width);
    if (bytes < least || bytes > most) good_ = false;
    return take(bytes);
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  Bytes rest_;
  bool good_ = true;
};

// One pass over the record headers, which learns where the hello ends.
struct Walk {
  uint32_t position = 0;        // on the wire
  uint32_t handshake_seen = 0;  // bytes of the handshake message before `position`
  uint8_t header[kHandshakeHeaderBytes] = {};
  uint32_t total = kHandshakeHeaderBytes;  // of the handshake message, as far as it is known
  uint32_t need_bytes = 0;

  bool total_known() const { return total_known_; }

  // Reads what `payload` has of the handshake header. False: this is no ClientHello.
  bool read_handshake_header(Bytes payload) {
    for (uint32_t i = handshake_seen, j = 0; i < kHandshakeHeaderBytes && j < payload.size();) {
      header[i++] = payload[j++];
      if (header[0] != kClientHelloType) return false;
      if (i == kHandshakeHeaderBytes) {
        total = kHandshakeHeaderBytes + (dam_load_be32(header) & 0xffffff);
        total_known_ = true;
      }
    }
    return true;
  }

 private:
  bool total_known_ = false;
};

// RFC 8446 5.1: legacy_record_version is ignored but for its major byte, as every server does.
bool record_header_fits(Bytes header) {
  if (!header.empty() && header[0] != kHandshakeRecord) return false;
  if (header.size() >= 2 && header[1] != kVersionMajor) return false;
  if (header.size() < kRecordHeaderBytes) return true;
  const uint32_t bytes = dam_load_be16(&header[3]);
  return bytes >= 1 && bytes <= kMaxRecordBytes;
}

// The least that the wire must hold before the hello can be whole, when the record at `position`
// ends at handshake byte `reached`: what is missing then needs another record header at least.
uint32_t least_wire_bytes(const Walk& walk, uint32_t record_end, uint32_t reached) {
  const uint32_t missing = walk.total > reached ? walk.total - reached : 0;
  return record_end + (missing != 0 ? kRecordHeaderBytes + missing : 0);
}

// One record. `incomplete`: the walk is over, bytes are missing; `complete`: go on if more is
// needed.
HelloStatus step(Bytes bytes, Walk& walk) {
  const Bytes rest = bytes.subspan(walk.position);
  if (!record_header_fits(rest.first(std::min<size_t>(rest.size(), kRecordHeaderBytes)))) {
    return HelloStatus::malformed;
  }
  if (rest.size() < kRecordHeaderBytes) {
    walk.need_bytes = least_wire_bytes(walk, walk.position, walk.handshake_seen);
    return HelloStatus::incomplete;
  }
  const uint32_t record_bytes = dam_load_be16(&rest[3]);
  const Bytes payload = rest.subspan(kRecordHeaderBytes);
  const Bytes here = payload.first(std::min<size_t>(payload.size(), record_bytes));
  if (!walk.read_handshake_header(here)) return HelloStatus::malformed;
  const uint32_t reached = walk.handshake_seen + record_bytes;
  if (walk.total_known() && reached > walk.total) return HelloStatus::malformed;
  walk.position += kRecordHeaderBytes + record_bytes;
  walk.handshake_seen = reached;
  walk.need_bytes = least_wire_bytes(walk, walk.position, reached);
  return here.size() < record_bytes ? HelloStatus::incomplete : HelloStatus::complete;
}

HelloStatus walk_records(Bytes bytes, uint32_t max_bytes, Walk& walk) {
  HelloStatus status = HelloStatus::complete;
  do {
    status = step(bytes, walk);
    if (status == HelloStatus::malformed) return status;
    if (walk.need_bytes > max_bytes) return HelloStatus::too_long;
  } while (status == HelloStatus::complete &&
           !(walk.total_known() && walk.handshake_seen == walk.total));
  return status;
}

// The handshake message without record headers: in place if it lies in one record, else copied.
Bytes unwrap(Bytes bytes, std::span<uint8_t> room, const Walk& walk) {
  if (walk.total + kRecordHeaderBytes == walk.position) {
    return bytes.subspan(kRecordHeaderBytes, walk.total);
  }
  uint32_t filled = 0;
  for (uint32_t position = 0; position < walk.position;) {
    const uint32_t record_bytes = dam_load_be16(&bytes[position + 3]);
    std::memcpy(&room[filled], &bytes[position + kRecordHeaderBytes], record_bytes);
    filled += record_bytes;
    position += kRecordHeaderBytes + record_bytes;
  }
  return room.first(filled);
}

// RFC 6066 3. Other name types do not exist, and their syntax could not be known: exactly one host
// name.
bool read_server_name(Bytes data, std::span<uint8_t> room, ClientHello& out) {
  Reader extension(data);
  Reader list(extension.vector(2, 1, 0xffff));
  const uint32_t type = list.number(1);
  const Bytes name = list.vector(2, 1, 0xffff);
  if (!extension.good() || !extension.at_end() || !list.good() || !list.at_end()) return false;
  if (type != kHostNameType) return false;
  const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
  return normalise_host_name(text, room, out.server_name) && !ends_in_number(out.server_name);
}

// RFC 7301 3.1.
bool read_alpn(Bytes data, ClientHello& out) {
  Reader extension(data);
  const Bytes names = extension.vector(2, 2, 0xffff);
  if (!extension.good() || !extension.at_end()) return false;
  Reader list(names);
  while (!list.at_end()) list.vector(1, 1, 0xff);
  out.alpn_wire = {reinterpret_cast<const char*>(names.data()), names.size()};
  return list.good();
}

// RFC 8446 4.2: no extension twice. Those above 63 mean nothing to routing, and are not checked.
bool first_of_its_kind(uint32_t type, uint64_t& seen) {
  const uint64_t bit = type < 64 ? 1ull << type : 0;
  const bool first = (seen & bit) == 0;
  seen |= bit;
  return first;
}

dam_tls_version version_of(uint32_t number) {
  switch (number) {
    case 0x0301:
      return DAM_TLS_tls1_0;
    case 0x0302:
      return DAM_TLS_tls1_1;
    case 0x0303:
      return DAM_TLS_tls1_2;
    case 0x0304:
      return DAM_TLS_tls1_3;
    default:
      return DAM_TLS_other;
  }
}

// 0 if it cannot be read.
uint32_t best_of(Bytes supported_versions) {
  Reader extension(supported_versions);
  Reader list(extension.vector(1, 2, 0xfe));
  uint32_t best = 0;
  while (!list.at_end() && list.good()) {
    const uint32_t number = list.number(2);
    if (!is_grease(number)) best = std::max(best, number);
  }
  return extension.good() && extension.at_end() && list.good() ? best : 0;
}

void note_best(uint32_t number, ClientHello& out) {
  out.best_number = static_cast<uint16_t>(number);
  out.best_version = version_of(number);
}

// RFC 8446 4.2.3. The server's to refuse, if it cannot be read.
Bytes signatures_of(Bytes data) {
  Reader extension(data);
  const Bytes list = extension.vector(2, 2, 0xfffe);
  return extension.good() && extension.at_end() && list.size() % 2 == 0 ? list : Bytes{};
}

bool read_extensions(Bytes block, std::span<uint8_t> room, ClientHello& out) {
  Reader extensions(block);
  uint64_t seen = 0;
  while (!extensions.at_end()) {
    const uint32_t type = extensions.number(2);
    const Bytes data = extensions.vector(2, 0, 0xffff);
    if (!extensions.good() || !first_of_its_kind(type, seen)) return false;
    if (type == kServerNameExtension && !read_server_name(data, room, out)) return false;
    if (type == kAlpnExtension && !read_alpn(data, out)) return false;
    if (type == kSupportedVersionsExtension) note_best(best_of(data), out);
    if (type == kSignatureAlgorithmsExtension) out.signature_algorithms = signatures_of(data);
    if (type == kEchExtension) out.has_ech = true;
  }
  return extensions.good();
}

// RFC 8446 4.1.2; RFC 5246 7.4.1.2 lets the extensions be absent.
bool read_hello(Bytes body, std::span<uint8_t> room, ClientHello& out) {
  Reader hello(body);
  out.legacy_version = static_cast<uint16_t>(hello.number(2));
  hello.take(32);          // random
  hello.vector(1, 0, 32);  // legacy_session_id
  out.cipher_suites = hello.vector(2, 2, 0xfffe);
  hello.vector(1, 1, 0xff);  // legacy_compression_methods
  if (!hello.good() || out.legacy_version >> 8 != kVersionMajor) return false;
  if (out.cipher_suites.size() % 2 != 0) return false;
  note_best(out.legacy_version, out);
  if (hello.at_end()) return true;
  out.extensions = hello.vector(2, 0, 0xffff);
  return hello.good() && hello.at_end() && read_extensions(out.extensions, room, out);
}

}  // namespace

HelloStatus parse_client_hello(std::span<const uint8_t> bytes, std::span<uint8_t> scratch,
                               uint32_t max_bytes, ClientHello& out) {
  out = {};
  Walk walk;
  const HelloStatus status = walk_records(bytes, max_bytes, walk);
  out.need_bytes = status == HelloStatus::incomplete ? walk.need_bytes : 0;
  if (status != HelloStatus::complete) return status;
  if (scratch.size() < hello_scratch_bytes(walk.total)) return HelloStatus::too_long;
  const Bytes message = unwrap(bytes, scratch.subspan(kNameBytes), walk);
  out.wire_bytes = walk.position;
  const bool readable =
      read_hello(message.subspan(kHandshakeHeaderBytes), scratch.first(kNameBytes), out);
  if (!readable) out = {};
  return readable ? HelloStatus::complete : HelloStatus::malformed;
}

bool offers(std::string_view alpn_wire, std::string_view protocol) {
  while (!alpn_wire.empty()) {
    const std::string_view name = alpn_wire.substr(1, static_cast<uint8_t>(alpn_wire.front()));
    if (name == protocol) return true;
    alpn_wire.remove_prefix(1 + name.size());
  }
  return false;
}

}  // namespace dam

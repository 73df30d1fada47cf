// SPDX-License-Identifier: BSD-3-Clause
// The cold part of a connection until its server has everything that the dam held: a receiver
// towards the client (RFC 9293 3.10.7.4, without delayed ACKs) and a sender towards the server.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/core/types.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/flow.h"
#include "dataplane/engine/ja4.h"
#include "dataplane/engine/proxy_header.h"

namespace dam {

inline constexpr uint32_t kHoldExtraBytes =
    2048;  // what may follow the hello before the server answers
inline constexpr uint8_t kPromisedWscale = 7;  // what every SYN-ACK promises; the splice rescales
inline constexpr uint8_t kNoWscale = 15;
inline constexpr uint64_t kNeverNs = ~uint64_t{0};

// Which bytes behind the in-order prefix have arrived.
struct ByteRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct HandshakeNumbers {
  uint32_t flow = kNone;
  uint32_t previous = kNone;  // among those without a route, oldest first
  uint32_t next = kNone;
  uint32_t hold = kNone;           // index of the hold buffer; taken with the first byte
  uint64_t accepted_ns = 0;        // the client's cookie came back
  uint64_t called_ns = 0;          // the server under way was first sent a SYN
  uint64_t stage_deadline_ns = 0;  // by Worker::heard_ns_, as the next one
  uint64_t retransmit_ns = 0;
  uint64_t retransmit_after_ns = 0;
  // From the client.
  uint32_t held_bytes = 0;             // in order, acknowledged by the dam
  std::array<ByteRange, 4> islands{};  // out of order, not acknowledged
  uint32_t need_bytes = 0;             // the parser wants to see no fewer than these
  uint32_t client_tsval = 0;
  uint32_t clock_origin = 0;   // of the dam's TSvals towards the client
  uint32_t server_tsval = 0;   // the server's last TSval, to be echoed
  uint16_t client_window = 0;  // as sent
  uint16_t client_mss = 536;
  uint8_t client_wscale = kNoWscale;
  bool sack = false;
  bool ecn = false;
  bool timestamps = false;
  uint32_t seen_bytes = 0;  // what the parser was last shown
  uint32_t head_bytes = 0;  // plain HTTP: of the first head, once it is whole
  bool waiting = false;     // linked among those without a route
  // Towards the server. Candidates are chosen once, best first; the route's fallback is the last.
  std::array<uint16_t, 4> candidates{};
  uint8_t candidate_count = 0;
  uint8_t next_candidate = 0;
  uint16_t server_mss = 536;
  uint8_t server_wscale = kNoWscale;
  uint32_t server_window = 0;  // octets
  dam_seq server_isn{};        // the server's
  dam_seq iss{};               // the dam's
  uint32_t sent_bytes = 0;     // of header + held
  uint32_t acked_bytes = 0;
  uint16_t header_bytes = 0;
  uint16_t name_bytes = 0;  // server name, kept for the AUTHORITY TLV
  uint16_t alpn_bytes = 0;
  Ja4 ja4{};
};

struct Handshake : HandshakeNumbers {
  std::array<char, 256> name;
  std::array<char, 64> alpn;  // the client's first choice
  std::array<uint8_t, kProxyHeaderBytes> header;

  // Anew; the arrays say nothing without their numbers, and so stay as they are.
  void begin() { static_cast<HandshakeNumbers&>(*this) = HandshakeNumbers{}; }
  uint32_t total_bytes() const { return header_bytes + held_bytes; }
  void set_name(std::string_view text);
  void set_alpn(std::string_view alpn_wire);
  std::string_view server_name() const { return {name.data(), name_bytes}; }
  std::string_view first_alpn() const { return {alpn.data(), alpn_bytes}; }
};

// Fixed-size pieces of memory for client bytes; contiguous, since parsers want that.
class HoldPool {
 public:
  HoldPool(uint32_t buffers, uint32_t buffer_bytes);
  uint32_t take();
  // What take() will give after so many others, or kNone.
  uint32_t next(size_t others) const {
    return others < free_.size() ? free_[free_.size() - 1 - others] : kNone;
  }
  void give(uint32_t index) {
    free_.push_back(index);
    count_used();
  }
  uint8_t* data(uint32_t index) { return bytes_.data() + size_t{index} * buffer_bytes_; }
  const uint8_t* data(uint32_t index) const {
    return bytes_.data() + size_t{index} * buffer_bytes_;
  }
  uint32_t buffer_bytes() const { return buffer_bytes_; }
  uint32_t capacity() const { return capacity_; }
  uint32_t used() const { return __atomic_load_n(&used_, __ATOMIC_RELAXED); }  // any thread

 private:
  void count_used() {
    const auto free = static_cast<uint32_t>(free_.size());
    __atomic_store_n(&used_, capacity_ - free, __ATOMIC_RELAXED);
  }

  uint32_t buffer_bytes_;
  uint32_t capacity_;
  uint32_t used_ = 0;
  BigArray<uint8_t> bytes_;
  std::vector<uint32_t> free_;  // capacity reserved: give() never allocates
};

// Copies `bytes` to stream offset `offset` of the buffer, minding what is there already, and grows
// held_bytes as far as the bytes are whole. False: nothing of it was new.
bool hold_bytes(Handshake& handshake, std::span<uint8_t> buffer, uint64_t offset,
                std::span<const uint8_t> bytes);

}  // namespace dam

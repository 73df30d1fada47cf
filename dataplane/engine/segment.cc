// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/segment.h"

#include <cstring>

#include "dataplane/core/checksum.h"
#include "dataplane/core/tcp_options.h"

namespace dam {

namespace {

constexpr uint8_t kHopLimit = 64;

// Writes 32-bit words and sums them up: a checksum that reads them again would wait for the stores.
class Words {
 public:
  explicit Words(uint8_t* at) : at_(at) {}
  void put(uint32_t host) { put_raw(__builtin_bswap32(host)); }
  void put_raw(uint32_t network) {
    dam_store32(at_, network);
    sum_ += network;
    at_ += 4;
  }
  void put(const dam_address& address, bool v4) {
    for (int i = v4 ? 3 : 0; i < 4; ++i) put_raw(address.word[i]);
  }
  void add(uint32_t words) { sum_ += words; }  // to the sum alone
  uint64_t sum() const { return sum_; }
  uint8_t* at() const { return at_; }

 private:
  uint8_t* at_;
  uint64_t sum_ = 0;
};

uint32_t word_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// RFC 9293 3.1 and RFC 7323; padded to 32-bit words with NOPs in front, as the kernel does.
void put_options(Words& to, const Segment& s) {
  if (s.mss != 0) to.put(word_of(DAM_OPTION_MSS, 4, 0, 0) | s.mss);
  const uint32_t sack =
      s.sack_permitted ? word_of(DAM_OPTION_SACK_PERMITTED, 2, 0, 0) : word_of(1, 1, 0, 0);
  if (s.timestamps) {
    to.put(sack | word_of(0, 0, DAM_OPTION_TIMESTAMPS, DAM_TIMESTAMPS_BYTES));
    to.put(s.tsval);
    to.put(s.tsecr);
  } else if (s.sack_permitted) {
    to.put(word_of(1, 1, DAM_OPTION_SACK_PERMITTED, 2));
  }
  if (s.wscale != DAM_WSCALE_NONE) to.put(word_of(1, DAM_OPTION_WSCALE, 3, s.wscale));
}

uint32_t options_bytes(const Segment& s) {
  const uint32_t sack = s.sack_permitted ? 4 : 0;
  const uint32_t mss = s.mss != 0 ? 4 : 0;
  const uint32_t wscale = s.wscale != DAM_WSCALE_NONE ? 4 : 0;
  return mss + (s.timestamps ? 12 : sack) + wscale;
}

void write_ipv4(uint8_t* ip, const Segment& s, uint16_t total) {
  Words words(ip);
  words.put(word_of(0x45, 0, 0, 0) | total);
  words.put(word_of(0, 0, 0x40, 0));  // don't fragment
  words.put(word_of(kHopLimit, DAM_PROTOCOL_TCP, 0, 0));
  words.put(s.src, true);
  words.put(s.dst, true);
  dam_store16(ip + 10, static_cast<uint16_t>(~dam_checksum_reduce(words.sum())));
}

void write_ipv6(uint8_t* ip, const Segment& s, uint16_t payload) {
  Words words(ip);
  words.put(word_of(0x60, 0, 0, 0));
  words.put(uint32_t{payload} << 16 | DAM_PROTOCOL_TCP << 8 | kHopLimit);
  words.put(s.src, false);
  words.put(s.dst, false);
}

// The pseudo header's sum (RFC 9293 3.1, RFC 8200 8.1).
void add_pseudo(Words& words, const Segment& s, bool v4, uint32_t bytes) {
  for (int i = v4 ? 3 : 0; i < 4; ++i) {
    words.add(s.src.word[i]);
    words.add(s.dst.word[i]);
  }
  words.add(__builtin_bswap32(DAM_PROTOCOL_TCP << 16 | bytes));
}

// The payload lies behind the header already.
void write_tcp(uint8_t* tcp, const Segment& s, bool v4, uint32_t header, uint32_t payload) {
  Words words(tcp);
  words.put_raw(s.src_port.raw | uint32_t{s.dst_port.raw} << 16);
  words.put(s.seq.value);
  words.put(s.ack.value);
  words.put(header << 26 | uint32_t{s.flags} << 16 | s.window);
  words.put(0);  // checksum, urgent pointer
  put_options(words, s);
  add_pseudo(words, s, v4, header + payload);
  if (payload != 0) words.add(dam_checksum_add(0, words.at(), words.at() + payload));
  dam_store16(tcp + 16, static_cast<uint16_t>(~dam_checksum_reduce(words.sum())));
}

void copy_payload(uint8_t* at, const Segment& s) {
  if (!s.payload.empty()) std::memcpy(at, s.payload.data(), s.payload.size());
  if (!s.payload2.empty()) {
    std::memcpy(at + s.payload.size(), s.payload2.data(), s.payload2.size());
  }
}

}  // namespace

bool write_segment(Frame& frame, const Segment& s) {
  const bool v4 = dam_address_is_v4(&s.dst) != 0;
  uint8_t* const ip = frame.data + DAM_ETHERNET_BYTES;
  uint8_t* const tcp = ip + (v4 ? DAM_IPV4_BYTES : DAM_IPV6_BYTES);
  const uint32_t header = DAM_TCP_BYTES + options_bytes(s);
  const size_t payload = s.payload.size() + s.payload2.size();
  const size_t bytes = static_cast<size_t>(tcp - frame.data) + header + payload;
  if (bytes > kFrameBytes) return false;
  copy_payload(tcp + header, s);
  write_tcp(tcp, s, v4, header, static_cast<uint32_t>(payload));
  const auto ip_bytes = static_cast<uint16_t>(bytes - DAM_ETHERNET_BYTES);
  if (v4) {
    write_ipv4(ip, s, ip_bytes);
  } else {
    write_ipv6(ip, s, static_cast<uint16_t>(ip_bytes - DAM_IPV6_BYTES));
  }
  frame.bytes = static_cast<uint16_t>(bytes);
  dam_store_be16(frame.data + 12, v4 ? DAM_ETHER_IPV4 : DAM_ETHER_IPV6);
  return true;
}

}  // namespace dam

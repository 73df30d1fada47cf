// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/proxy_header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"
#include "tests/unit/engine/address_of.h"

namespace dam {
namespace {

constexpr uint8_t kAllTlvs = kTlvAlpn | kTlvAuthority | kTlvUniqueId | kTlvCrc32c;

ProxyHeaderInput between(const std::string& client, const std::string& local) {
  ProxyHeaderInput input;
  input.client = address_of(client);
  input.local = address_of(local);
  input.client_port = dam_hton16(56324);
  input.local_port = dam_hton16(443);
  for (uint8_t i = 0; i < 16; ++i) input.unique_id[i] = static_cast<uint8_t>(0xa0 + i);
  return input;
}

template <typename F, typename... Input>
std::string written(F write, const Input&... input) {
  std::array<uint8_t, kProxyHeaderBytes> out;
  out.fill(0xee);
  const uint32_t bytes = write(out, input...);
  EXPECT_LE(bytes, out.size());
  return {out.begin(), out.begin() + bytes};
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

struct V1Row {
  const char* client;
  const char* local;
  const char* line;
};
const V1Row kV1Rows[] = {
    {"198.51.100.7", "203.0.113.1", "PROXY TCP4 198.51.100.7 203.0.113.1 56324 443\r\n"},
    {"0.0.0.0", "255.255.255.255", "PROXY TCP4 0.0.0.0 255.255.255.255 56324 443\r\n"},
    {"2001:db8::7", "2001:db8::1", "PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n"},
    {"::", "::1", "PROXY TCP6 :: ::1 56324 443\r\n"},
    {"2001:db8::", "2001:db8:0:1:0:0:0:1", "PROXY TCP6 2001:db8:: 2001:db8:0:1::1 56324 443\r\n"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8:0:1:1:1:1:1",
     "PROXY TCP6 2001:db8::1:0:0:1 2001:db8:0:1:1:1:1:1 56324 443\r\n"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
     "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
     "56324 443\r\n"},
    {"198.51.100.7", "2001:db8::1", "PROXY TCP6 ::ffff:c633:6407 2001:db8::1 56324 443\r\n"},
};

TEST(ProxyHeader, WritesVersion1Lines) {
  for (const V1Row& row : kV1Rows) {
    EXPECT_EQ(written(write_proxy_v1, between(row.client, row.local)), row.line);
  }
}

// The specification: no line is longer than 107 characters.
TEST(ProxyHeader, KeepsVersion1LinesWithin107Bytes) {
  const std::string ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  ProxyHeaderInput input = between(ones, ones);
  input.client_port = input.local_port = dam_hton16(65535);
  EXPECT_LE(written(write_proxy_v1, input).size(), 107u);
}

TEST(ProxyHeader, WritesVersion2ForIpv4AsTheSpecificationLaysItOut) {
  EXPECT_EQ(hex(written(write_proxy_v2, between("198.51.100.7", "203.0.113.1"))),
            "0d0a0d0a000d0a515549540a"  // signature
            "2111000c"                  // version 2 PROXY, TCP over IPv4, 12 bytes
            "c6336407cb007101dc0401bb");
}

TEST(ProxyHeader, WritesVersion2ForIpv6AndForMixedFamilies) {
  EXPECT_EQ(hex(written(write_proxy_v2, between("2001:db8::7", "2001:db8::1"))),
            "0d0a0d0a000d0a515549540a21210024"
            "20010db800000000000000000000000720010db8000000000000000000000001dc0401bb");
  EXPECT_EQ(hex(written(write_proxy_v2, between("2001:db8::7", "203.0.113.1"))),
            "0d0a0d0a000d0a515549540a21210024"
            "20010db800000000000000000000000700000000000000000000ffffcb007101dc0401bb");
}

TEST(ProxyHeader, WritesTheLocalCommandWithoutAddresses) {
  EXPECT_EQ(hex(written(write_proxy_v2_local)), "0d0a0d0a000d0a515549540a20000000");
}

struct Tlv {
  uint8_t type;
  std::string value;
};

// Reads a header as a server does; every length has to add up.
std::vector<Tlv> tlvs_of(const std::string& header) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(header.at(at)); };
  EXPECT_EQ(size_t{16} + (byte(14) << 8 | byte(15)), header.size());
  std::vector<Tlv> tlvs;
  for (size_t at = byte(13) == 0x11 ? 28 : 52; at < header.size();) {
    const size_t bytes = byte(at + 1) << 8 | byte(at + 2);
    EXPECT_LE(at + 3 + bytes, header.size());
    tlvs.push_back({byte(at), header.substr(at + 3, bytes)});
    at += 3 + bytes;
  }
  return tlvs;
}

std::string value_of(const std::vector<Tlv>& tlvs, uint8_t type) {
  const auto is_type = [&](const Tlv& tlv) { return tlv.type == type; };
  EXPECT_EQ(std::count_if(tlvs.begin(), tlvs.end(), is_type), 1) << int{type};
  const auto found = std::find_if(tlvs.begin(), tlvs.end(), is_type);
  return found == tlvs.end() ? "" : found->value;
}

TEST(ProxyHeader, WritesEachTlvThatIsAskedForAndHasAValue) {
  ProxyHeaderInput input = between("198.51.100.7", "203.0.113.1");
  input.alpn = "h2";
  input.authority = "www.example.org";
  input.tlvs = kAllTlvs;
  const std::vector<Tlv> all = tlvs_of(written(write_proxy_v2, input));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(value_of(all, 0x01), "h2");
  EXPECT_EQ(value_of(all, 0x02), "www.example.org");
  EXPECT_EQ(value_of(all, 0x03).size(), 4u);
  EXPECT_EQ(hex(value_of(all, 0x05)), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
  input.alpn = {};
  input.authority = {};
  EXPECT_EQ(tlvs_of(written(write_proxy_v2, input)).size(), 2u);
  input.tlvs = 0;
  EXPECT_TRUE(tlvs_of(written(write_proxy_v2, input)).empty());
}

// CRC-32C bit by bit (RFC 9260 appendix A): polynomial 0x1edc6f41, reflected.
uint32_t naive_crc32c(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

// The specification 2.2.3: over the whole header with the checksum's bytes zeroed, network order.
TEST(ProxyHeader, ChecksumsTheHeaderWithItsOwnFieldZeroed) {
  for (const uint8_t tlvs : {uint8_t{kTlvCrc32c}, kAllTlvs}) {
    for (const char* client : {"198.51.100.7", "2001:db8::7"}) {
      ProxyHeaderInput input = between(client, "203.0.113.1");
      input.alpn = "http/1.1";
      input.authority = "www.example.org";
      input.tlvs = tlvs;
      std::string header = written(write_proxy_v2, input);
      const std::string sum = value_of(tlvs_of(header), 0x03);
      header.replace(header.find(sum), 4, 4, '\0');
      EXPECT_EQ(dam_load_be32(sum.data()), naive_crc32c(header));
    }
  }
}

// RFC 3720 B.4 and the usual check value.
TEST(ProxyHeader, KnowsThePublishedCrc32cValues) {
  const auto crc = [](const std::string& s) {
    return crc32c({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
  };
  EXPECT_EQ(crc("123456789"), 0xe3069283u);
  EXPECT_EQ(crc(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc(""), 0u);
}

TEST(ProxyHeader, LeavesOutWholeTlvsAndNeverExceeds536Bytes) {
  for (const size_t alpn_bytes : {1u, 100u, 255u}) {
    for (size_t authority_bytes = 1; authority_bytes <= 255; ++authority_bytes) {
      for (const char* client : {"198.51.100.7", "2001:db8::7"}) {
        const std::string alpn(alpn_bytes, 'p'), authority(authority_bytes, 'n');
        ProxyHeaderInput input = between(client, "203.0.113.1");
        input.alpn = alpn;
        input.authority = authority;
        input.tlvs = kAllTlvs;
        const std::string header = written(write_proxy_v2, input);
        const std::vector<Tlv> tlvs = tlvs_of(header);
        const size_t without =
            (dam_address_is_v4(&input.client) ? 28 : 52) + 7 + 19 + 3 + alpn_bytes;
        const bool fits = without + 3 + authority_bytes <= kProxyHeaderBytes;
        ASSERT_EQ(tlvs.size(), fits ? 4u : 3u) << alpn_bytes << " " << authority_bytes;
        ASSERT_EQ(value_of(tlvs, 0x01), alpn);
        ASSERT_TRUE(!fits || value_of(tlvs, 0x02) == authority);
      }
    }
  }
}

}  // namespace
}  // namespace dam

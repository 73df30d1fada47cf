// SPDX-License-Identifier: BSD-3-Clause
// Any input of the writers: what they write is read back by a reader of its own, and says the same.
#include "dataplane/engine/proxy_header.h"

#include <arpa/inet.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "dataplane/engine/policy.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

dam_address some_address(FuzzedDataProvider& data) {
  dam_address address{};
  if (data.ConsumeBool()) return dam_address_v4(data.ConsumeIntegral<uint32_t>());
  for (uint32_t& word : address.word)
    word = data.ConsumeBool() ? data.ConsumeIntegral<uint32_t>() : 0;
  return address;
}

std::string written(uint32_t (*write)(std::span<uint8_t, kProxyHeaderBytes>,
                                      const ProxyHeaderInput&),
                    const ProxyHeaderInput& input) {
  const auto out = std::make_unique<std::array<uint8_t, kProxyHeaderBytes>>();
  const uint32_t bytes = write(*out, input);
  check(bytes <= kProxyHeaderBytes, "a header is one segment");
  return {out->begin(), out->begin() + bytes};
}

bool same_address(const std::string& text, const dam_address& address, bool v4) {
  dam_address read{};
  if (v4) {
    uint32_t raw = 0;
    return inet_pton(AF_INET, text.c_str(), &raw) == 1 && raw == address.word[3];
  }
  return inet_pton(AF_INET6, text.c_str(), &read) == 1 && dam_address_equal(&read, &address);
}

void check_v1(const ProxyHeaderInput& input, bool v4) {
  const std::string line = written(write_proxy_v1, input);
  check(line.size() <= 107, "a version 1 line is at most 107 bytes");
  char client[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN], family = 0, end[3] = {};
  unsigned client_port = 0, local_port = 0;
  const int fields = std::sscanf(line.c_str(), "PROXY TCP%c %45s %45s %u %u%2c", &family, client,
                                 local, &client_port, &local_port, end);
  check(fields == 6 && family == (v4 ? '4' : '6') && std::string(end) == "\r\n", "a line");
  check(same_address(client, input.client, v4) && same_address(local, input.local, v4),
        "addresses");
  check(client_port == dam_ntoh16(input.client_port) && local_port == dam_ntoh16(input.local_port),
        "ports");
}

void check_tlv(const std::map<uint8_t, std::string>& tlvs, bool asked, uint8_t type,
               const std::string& value) {
  const auto found = tlvs.find(type);
  if (found == tlvs.end()) return;
  check(asked && !value.empty(), "only what was asked for");
  check(found->second == value, "whole values");
}

void check_checksum(std::string header, size_t value_at) {
  const uint32_t sum = dam_load_be32(&header[value_at]);
  header.replace(value_at, 4, 4, '\0');
  const auto* raw = reinterpret_cast<const uint8_t*>(header.data());
  check(crc32c({raw, header.size()}) == sum, "the checksum");
}

void check_v2(const ProxyHeaderInput& input, bool v4) {
  const std::string header = written(write_proxy_v2, input);
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(header.at(at)); };
  check(header.starts_with(std::string("\r\n\r\n\0\r\nQUIT\n\x21", 13)), "signature and command");
  check(byte(13) == (v4 ? 0x11 : 0x21), "family");
  check(header.size() == size_t{16} + dam_load_be16(&header[14]), "length");
  const std::string expected =
      v4 ? std::string(reinterpret_cast<const char*>(&input.client.word[3]), 4)
         : std::string(reinterpret_cast<const char*>(input.client.word), 16);
  check(header.compare(16, expected.size(), expected) == 0, "the client's address");
  std::map<uint8_t, std::string> tlvs;
  for (size_t at = v4 ? 28 : 52; at < header.size();) {
    const size_t bytes = dam_load_be16(&header.at(at + 1));
    check(at + 3 + bytes <= header.size(), "no TLV is cut");
    check(tlvs.emplace(byte(at), header.substr(at + 3, bytes)).second, "no TLV twice");
    if (byte(at) == 0x03) check_checksum(header, at + 3);
    at += 3 + bytes;
  }
  const std::string id(input.unique_id.begin(), input.unique_id.end());
  check_tlv(tlvs, input.tlvs & kTlvAlpn, 0x01, std::string(input.alpn));
  check_tlv(tlvs, input.tlvs & kTlvAuthority, 0x02, std::string(input.authority));
  check_tlv(tlvs, input.tlvs & kTlvUniqueId, 0x05, id);
  check(tlvs.contains(0x03) == ((input.tlvs & kTlvCrc32c) != 0), "a checksum when asked for");
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace dam;
  FuzzedDataProvider data(bytes, size);
  ProxyHeaderInput input;
  input.client = fuzz::some_address(data);
  input.local = fuzz::some_address(data);
  input.client_port = dam_hton16(data.ConsumeIntegral<uint16_t>());
  input.local_port = dam_hton16(data.ConsumeIntegral<uint16_t>());
  input.tlvs = data.ConsumeIntegral<uint8_t>();
  input.unique_id.fill(data.ConsumeIntegral<uint8_t>());
  const std::string alpn = data.ConsumeRandomLengthString(255);
  const std::string authority = data.ConsumeRandomLengthString(255);
  input.alpn = alpn;
  input.authority = authority;
  const bool v4 = dam_address_is_v4(&input.client) && dam_address_is_v4(&input.local);
  fuzz::check_v1(input, v4);
  fuzz::check_v2(input, v4);
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// IP packets as the simulation reads and writes them: with code of its own, so that a bug in core/
// does not hide itself here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/types.h"

namespace dam::simulation {

using Bytes = std::vector<uint8_t>;

enum : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };
enum : uint8_t { kProtocolIcmp = 1, kProtocolTcp = 6, kProtocolIcmp6 = 58 };

struct IpView {
  uint8_t family = 0;
  uint8_t protocol = 0;
  uint16_t l4 = 0;   // where what IP carries begins
  uint16_t end = 0;  // and ends
  dam_address src{};
  dam_address dst{};
};

struct TcpView : IpView {
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  uint16_t payload = 0;  // where it begins

  uint32_t payload_bytes() const { return uint32_t{end} - payload; }
  bool has(uint8_t wanted) const { return (flags & wanted) == wanted; }
  // How far the sequence numbers go on behind it.
  uint32_t length() const { return payload_bytes() + (has(kSyn) ? 1 : 0) + (has(kFin) ? 1 : 0); }
};

struct TcpOptions {
  std::optional<uint16_t> mss;
  std::optional<uint8_t> wscale;
  bool sack_permitted = false;
  std::optional<std::pair<uint32_t, uint32_t>> timestamps;  // TSval, TSecr
  std::vector<std::pair<uint32_t, uint32_t>> sack;
};

uint16_t load16(const uint8_t* at);
uint32_t load32(const uint8_t* at);
void store16(uint8_t* at, uint32_t value);
void store32(uint8_t* at, uint32_t value);

// No fragments and no extension headers; nothing where the bytes say otherwise.
std::optional<IpView> view_ip(const uint8_t* data, size_t bytes);
std::optional<TcpView> view_tcp(const Bytes& packet);
std::optional<TcpView> view_tcp(const uint8_t* data, size_t bytes, bool may_be_cut);

bool checksums_hold(const Bytes& packet);  // of IP and what it carries
void set_checksums(Bytes& packet);

TcpOptions read_options(const Bytes& packet, const TcpView& view);
void replace_options(Bytes& packet, const TcpOptions& options);
// As a NIC with segmentation offload cuts it: the first `payload_bytes`, and the rest.
std::pair<Bytes, Bytes> split_segment(const Bytes& packet, uint32_t payload_bytes);

Bytes make_segment(const dam_address& src, uint16_t src_port, const dam_address& dst,
                   uint16_t dst_port, uint32_t seq, uint32_t ack, uint8_t flags,
                   uint32_t payload_bytes);

// RFC 1191 and RFC 8201: a router whose next link takes no more than `mtu`.
Bytes too_big_error(const Bytes& packet, uint16_t mtu, const dam_address& router);

std::string text_of(const dam_address& address);
std::string text_of(const Bytes& packet);

}  // namespace dam::simulation

// SPDX-License-Identifier: BSD-3-Clause
// Where a NIC with RSS puts a packet: the Toeplitz hash of its addresses and ports picks an entry
// of the redirection table, and that one a queue. The dam sets the key, so it can foretell the
// queue of a server's reply and choose its source port by it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/core/types.h"

namespace dam {

using RssKey =
    std::array<uint8_t, 52>;  // the longest that NICs want; each takes as much as it needs

struct RssTable {
  RssKey key{};
  std::vector<uint16_t> queue;  // by hash modulo the size
};

// The Toeplitz hash of (source, destination, source port, destination port) as a NIC computes it.
uint32_t rss_hash(const RssKey& key, const dam_address& src, const dam_address& dst,
                  dam_be16 src_port, dam_be16 dst_port);

// The worker that gets the packets from `server` to (local, source_port).
uint32_t reply_queue(const RssTable& table, const dam_address& server, dam_be16 server_port,
                     const dam_address& local, uint16_t source_port);

}  // namespace dam

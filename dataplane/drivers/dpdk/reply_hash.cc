// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/reply_hash.h"

#include <rte_thash.h>

namespace dam {

uint32_t rss_hash(const RssKey& key, const dam_address& src, const dam_address& dst,
                  dam_be16 src_port, dam_be16 dst_port) {
  // The words of rte_softrss() are in host order; IPv4 addresses are one word each.
  const bool v4 = dam_address_is_v4(&src) != 0;
  uint32_t tuple[9];
  uint32_t words = 0;
  for (const dam_address* address : {&src, &dst}) {
    for (uint32_t i = v4 ? 3 : 0; i < 4; ++i) tuple[words++] = dam_ntoh32({address->word[i]});
  }
  tuple[words++] = static_cast<uint32_t>(dam_ntoh16(src_port)) << 16 | dam_ntoh16(dst_port);
  return rte_softrss(tuple, words, key.data());
}

uint32_t reply_queue(const RssTable& table, const dam_address& server, dam_be16 server_port,
                     const dam_address& local, uint16_t source_port) {
  const uint32_t hash = rss_hash(table.key, server, local, server_port, dam_hton16(source_port));
  return table.queue[hash % table.queue.size()];
}

}  // namespace dam

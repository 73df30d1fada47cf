// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/engine/as_the_kernel.h"

#include <utility>
#include <vector>

namespace dam::test {

OwnTables::OwnTables(const TableSizes& sizes)
    : flows(sizes.flows),
      requests(sizes.flows),
      fingerprints(sizes.flows),
      index(sizes.index_buckets),
      source_buckets(sizes.source_buckets),
      sources(source_buckets.size() * DAM_SOURCE_SLOTS),
      request_tats_ns(sources.size()),
      strays(sizes.strays) {}

SharedTables OwnTables::shared() {
  return {.flows = flows.all(),
          .requests = requests.all(),
          .fingerprints = fingerprints.all(),
          .index = index.all(),
          .source_buckets = source_buckets.all(),
          .sources = sources.all(),
          .request_tats_ns = request_tats_ns.all(),
          .totals = totals.all(),
          .neighbours = neighbours.all(),
          .macs = macs.all(),
          .strays = strays.all()};
}

void set_next_hops(Neighbours& neighbours, const std::function<MacAddress(uint8_t)>& mac_behind) {
  std::vector<std::pair<uint16_t, dam_address>> all;
  neighbours.for_each([&](uint16_t, uint16_t interface, const dam_address& address) {
    all.emplace_back(interface, address);
  });
  for (const auto& [interface, address] : all) {
    const uint8_t port = neighbours.interfaces()[interface].port;
    neighbours.set_mac(interface, address, mac_behind(port));
  }
}

}  // namespace dam::test

// SPDX-License-Identifier: BSD-3-Clause
// A counters file as a dataplane with two workers would write it.
#pragma once

#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "dataplane/core/counters.h"

namespace dam::control {

inline std::unique_ptr<dam_counters> sample_counters() {
  auto c = std::make_unique<dam_counters>();
  c->magic = DAM_COUNTERS_MAGIC;
  c->version = DAM_COUNTERS_VERSION;
  c->size_bytes = sizeof(dam_counters);
  c->workers = 2;
  c->tsc_hz = 2'000'000'000;
  std::strcpy(c->driver, "test");
  std::strcpy(c->zone_names[0], "front");
  std::strcpy(c->zone_names[1], "light");
  std::strcpy(c->servers[3].name, "web");
  c->servers[3].up = 1;
  c->servers[3].mss = 1460;
  c->servers[3].options = 3;
  std::strcpy(c->interfaces[0].name, "front");
  std::strcpy(c->interfaces[0].device, "eth0");
  c->interfaces[0].vlan = 10;
  c->interfaces[0].steering = DAM_STEERING_nic_hash;
  c->interfaces[0].link_up = 1;
  c->interfaces[0].speed_mbit = 10'000;
  c->interfaces[0].mtu = 1500;
  c->interfaces[0].queues = 2;
  for (int w = 0; w < 2; ++w) {
    dam_zone_counters& light = c->worker[w].zones[1];
    light.packets[0] = 10;
    light.bytes[1] = 1000;
    light.bans[DAM_DIM_packets] = 1;
    light.bans[DAM_SHADOW_CONCURRENT] = 2;
    light.connections_opened = 5;
    light.connections_closed = 2;
    light.shadow_exceeded[0][DAM_DIM_packets] = 4;
    light.drops[DAM_DROP_source_packets] = 7;
    light.drops[DAM_DROP_consumed] = 100;
    c->worker[w].zones[0].drops[DAM_DROP_bad_cookie] = 1;
    c->worker[w].servers[3].connections_opened = 5;
    c->worker[w].rx_packets = 1000;
    c->worker[w].hello_versions[DAM_TLS_tls1_3] = 4;
    c->worker[w].hello_alpns[DAM_ALPN_http1_1] = 3;
    dam_observe(&c->worker[w].histograms[DAM_HISTOGRAM_hello_time], 64, 6, 18);
    dam_observe(&c->worker[w].histograms[DAM_HISTOGRAM_hello_time], 65 + 500'000 * w, 6, 18);
    dam_observe(&c->worker[w].histograms[DAM_HISTOGRAM_burst_size], 32, 0, 7);
  }
  c->table_used[DAM_TABLE_flows] = 6;
  c->table_capacity[DAM_TABLE_flows] = 1000;
  return c;
}

inline void write_counters(const std::string& path, const dam_counters& counters) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&counters), sizeof counters);
}

}  // namespace dam::control

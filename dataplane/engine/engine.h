// SPDX-License-Identifier: BSD-3-Clause
// What all workers share, and the control thread's handle on them. Everything is allocated here,
// before the first packet; apply() and control_tick() belong to the control thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/plane.h"
#include "dataplane/core/requests.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/table_hash.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/flow.h"
#include "dataplane/engine/neighbours.h"
#include "dataplane/engine/policy.h"
#include "dataplane/engine/port_pool.h"
#include "dataplane/engine/source_table.h"

namespace dam {

class Worker;

// The first ports of the source range are kept for probes; flows use the rest.
inline constexpr uint16_t kProbePorts = 16;
inline constexpr uint8_t kMostLocalAddresses = 16;

// Gives the worker whose queue receives the server's packets to (local, source_port).
using ReplyWorker = std::function<uint32_t(const dam_address& server, dam_be16 server_port,
                                           const dam_address& local, uint16_t source_port)>;

// How many of each the tables have, for all workers together.
struct TableSizes {
  uint32_t flows;
  uint32_t index_buckets;
  uint32_t source_buckets;  // of DAM_SOURCE_SLOTS entries each
  uint32_t strays;
};
TableSizes table_sizes(const Limits& limits, uint32_t workers);

// Memory of another owner for the tables; it holds what it holds. Empty: the engine has its own.
// Flows, requests, fingerprints, index and strays are the workers', equal parts one behind the
// other.
struct SharedTables {
  std::span<dam_flow> flows;
  std::span<dam_requests> requests;         // by flow
  std::span<dam_fingerprint> fingerprints;  // by flow
  std::span<dam_index_bucket> index;
  std::span<dam_source_bucket> source_buckets;
  std::span<dam_source_entry> sources;
  std::span<uint64_t> request_tats_ns;  // by source
  std::span<dam_zone_totals> totals;
  std::span<dam_neighbour> neighbours;
  std::span<uint64_t> macs;  // by neighbour: see Neighbours::mac_word
  std::span<dam_stray> strays;
  bool with_kernel = false;  // whose plane works on them too; there is one worker then
  explicit operator bool() const { return !flows.empty(); }
};

// What a dataplane before this one has left behind in shared tables: its connections go on.
struct Standing {
  std::shared_ptr<const Policy> policy;  // its slots alone; nothing of it is in force any more
  dam_cookie_secrets secrets{};
  uint64_t now_ns = 0;
};

struct EngineConfig {
  Limits limits;
  uint32_t workers = 1;
  std::vector<Interface> interfaces;
  dam_counters* counters = nullptr;  // outlives the engine
  uint64_t hash_key[2] = {};
  uint64_t cookie_key[2] = {};  // without `standing`, which brings secrets of its own
  uint64_t tsc_hz = 0;
  ReplyWorker reply_worker;  // empty: by source port, with Worker::owner_of()
  SharedTables shared;
  std::optional<Standing> standing;  // what `shared` holds besides the index, which is empty
};

// What somebody has decided about a server, whatever the policy and its probes say. Concerns new
// connections alone.
struct ServerOrder {
  bool closed = false;  // takes no new connections
  uint16_t weight = 0;  // 0: the policy's
  uint32_t pack() const { return uint32_t{closed} << 16 | weight; }
  static ServerOrder unpack(uint32_t word) {
    return {(word >> 16 & 1) != 0, static_cast<uint16_t>(word)};
  }
};

// What the dam knows of a server from its probes. Written by worker 0 (probes) and by any worker
// (failed connects); read by all. The order is the control thread's.
struct ServerStatus {
  std::atomic<uint32_t> up{1};  // presumed up until probes say otherwise
  std::atomic<uint32_t> failures{0};
  std::atomic<uint32_t> learned{0};  // 0: unknown; else LearnedOptions::pack()
  std::atomic<uint32_t> order{0};    // ServerOrder::pack()
};

// A server may announce less (RFC 9293 3.7.1 knows no bound), but then each of its connections
// would cost a burst of tiny segments, and every client of the listener would be promised no more.
inline constexpr uint16_t kLeastMss = 536;

// TCP options that a server agreed to.
struct LearnedOptions {
  uint16_t mss = 1460;
  bool sack = true;
  bool timestamps = true;
  bool ecn = true;
  uint8_t wscale = 7;  // kNoWscale: none
  uint32_t pack() const;
  static LearnedOptions unpack(uint32_t word);  // 0 gives the defaults
};

// One of the dam's own addresses, from which it talks to servers.
struct LocalAddress {
  dam_address address{};
  uint8_t interface = 0;
};

// The next hops of its connections and servers.
Neighbours::Kept next_hops_in_use(const EngineConfig& config);

class Engine {
 public:
  explicit Engine(EngineConfig config);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Worker& worker(uint32_t index) { return *workers_[index]; }

  // Control thread.
  void apply(const std::shared_ptr<const Policy>& policy);
  bool applied_everywhere() const;
  // Holds for the next connection of every worker; those that stand notice nothing.
  void order(uint16_t server_slot, const ServerOrder& order);
  // Of the packets that it wants every worker tells from its next burst on.
  void set_capture(const dam_capture& wanted);
  void rotate_secret(const uint64_t fresh[2]);
  void control_tick(
      uint64_t now_ns);  // gauges, heartbeat; frees policies that nobody reads any more

  // Workers.
  const EngineConfig& config() const { return config_; }
  const dam_table_key& table_key() const { return table_key_; }
  const Policy* policy() const { return current_.load(std::memory_order_acquire); }
  // The pair of secrets now in force; `generation` tells a worker when to copy them anew.
  uint32_t secret_generation() const { return secret_generation_.load(std::memory_order_acquire); }
  dam_cookie_secrets secrets() const;
  uint32_t capture_generation() const {
    return capture_generation_.load(std::memory_order_acquire);
  }
  dam_capture capture(uint32_t generation) const { return captures_[generation & 1]; }
  PortPool* ports(uint32_t worker, uint16_t server_slot, uint8_t local);
  void settle_ports(uint32_t worker);
  // A connection of a dataplane before this one has it. Before the first policy.
  void adopt_port(uint32_t worker, uint16_t server_slot, uint8_t local, uint16_t port);
  uint32_t port_owner(const Server& server, uint8_t family, uint8_t local, uint16_t port) const;

  std::vector<LocalAddress> local_addresses;
  std::array<ServerStatus, DAM_MAX_SERVERS> servers;
  std::array<std::atomic<uint32_t>, DAM_MAX_ZONES> zone_concurrent{};
  BigArray<dam_zone_totals> zone_totals;  // [zone]
  SourceTable sources;
  Neighbours neighbours;

 private:
  std::atomic<PortPool*>& ports_of(uint32_t worker, size_t server_slot, size_t local) {
    return ports_[(worker * DAM_MAX_SERVERS + server_slot) * kMostLocalAddresses + local];
  }
  void make_port_pools(const Policy& policy);
  void adopt(const Standing& standing);
  void make_port_pools(const Policy& policy, size_t server_slot, uint8_t local);
  void share_port_pools(const Policy& policy, size_t server_slot, uint8_t local);
  void replace_port_pool(uint32_t worker, size_t server_slot, uint8_t local,
                         std::unique_ptr<PortPool> fresh, bool alone);
  void ask_for_next_hops(const Policy& policy);
  void publish_states(const Policy& policy, uint64_t now_ns);
  void publish_gauges();

  EngineConfig config_;
  dam_table_key table_key_;  // made of the config's hash_key
  std::vector<std::unique_ptr<Worker>> workers_;
  // [worker][server slot][local address]; slots of one address and port share a pool. Put there by
  // apply(); a pool that another replaced lives until every worker has settled in the other.
  std::vector<std::atomic<PortPool*>> ports_;
  std::vector<std::unique_ptr<PortPool>> pools_;
  std::vector<std::unique_ptr<PortPool>> replaced_pools_;
  std::atomic<const Policy*> current_{nullptr};
  std::vector<std::shared_ptr<const Policy>> kept_;  // the current one last
  std::array<dam_cookie_secrets, 2> secrets_{};      // the one of generation & 1 is in force
  std::atomic<uint32_t> secret_generation_{0};
  std::array<dam_capture, 2> captures_{};  // likewise
  std::atomic<uint32_t> capture_generation_{0};
};

}  // namespace dam

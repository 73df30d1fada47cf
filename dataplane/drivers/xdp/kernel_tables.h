// SPDX-License-Identifier: BSD-3-Clause
// The XDP program and the memory that it shares with the engine.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/view.h"
#include "dataplane/drivers/xdp/pins.h"
#include "dataplane/drivers/xdp/shared_array.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/sight_sink.h"

struct dam_bpf;
struct ring_buffer;

namespace dam {

// Who hears sights while they are taken, and how many more at once.
struct Hearing {
  const SightSink* sink = nullptr;
  uint32_t left = 0;
};

class KernelTables {
 public:
  enum class Use : uint8_t {
    on_device,
    behind_gate,  // see gate.h
    under_test,   // time and interface of each packet are taken from control()
  };
  // Throws std::runtime_error, with the verifier's last words when it refused. `pins`: the tables
  // are pinned there, or taken over from there, as they are (see standing.h).
  KernelTables(const Limits& limits, const uint64_t hash_key[2], Use use,
               const Pins* pins = nullptr);
  ~KernelTables();
  KernelTables(const KernelTables&) = delete;
  KernelTables& operator=(const KernelTables&) = delete;

  // They hold what a dataplane before this one has left.
  bool adopted() const { return adopted_; }
  SharedTables engine_tables() const;
  dam_own_ports& own_ports() const { return own_ports_.as<dam_own_ports>()[0]; }
  std::span<dam_device_changes> device_changes() const {
    return device_changes_.as<dam_device_changes>();
  }
  void forget();  // all flows, sources and neighbours; the counters go on
  dam_control& control() const { return control_.as<dam_control>()[0]; }
  dam_view& view() const;  // in force
  // The view that is not in force: filled, then put in force whole.
  dam_view& draft() const;
  // The memory that its lists take; throws std::system_error where there is none. Nothing that a
  // packet reads is changed.
  void prepare_lists(const Policy& policy);
  void set_lists(const Policy& policy, dam_view& draft);
  void publish_draft();
  // Every second at least while somebody takes up what climbs, under the policy in force; else the
  // kernel soon answers no SYN any more.
  void beat(uint64_t now_ns) {
    __atomic_store_n(&control().heartbeat_ns, now_ns, __ATOMIC_RELAXED);
  }
  // Adds what the kernel has counted since the last call.
  void collect(dam_worker_counters& into);
  uint64_t climbed() const;
  uint64_t take_out_ifindex() const;  // tests: where the last frame went

  // What the kernel has told of packets since the last call, in the order of each CPU's.
  void take_sights(const SightSink& sink);
  uint64_t sights_lost();  // since this object was made
  void set_capture(const dam_capture& wanted);

  int program_fd() const;
  int sockets_fd() const;

 private:
  struct Destroy {
    void operator()(dam_bpf* bpf) const;
  };
  struct FreeRing {
    void operator()(ring_buffer* ring) const;
  };
  void set_prefixes(dam_prefix_list list, const PrefixSet& set, dam_view& draft);
  int lines_of(dam_prefix_list list, const PrefixSet& set, size_t lines);
  void begin_sights(const uint64_t hash_key[2]);
  void load(const Limits& limits, const Pins* pins);
  void share_all();

  std::unique_ptr<dam_bpf, Destroy> bpf_;
  bool adopted_ = false;
  SharedArray control_, views_, index_, flows_, requests_, fingerprints_, source_buckets_, sources_,
      request_tats_, neighbours_, macs_, totals_, strays_, openings_, device_changes_, own_ports_;
  SharedArray zone_counts_, counts_;
  std::unique_ptr<ring_buffer, FreeRing> sights_;
  Hearing hears_;
  std::chrono::steady_clock::time_point refusals_due_;
  std::vector<uint32_t> lost_seen_;  // [cpu]
  uint64_t lost_ = 0;
  // What was made for a list last: the next view has it too while the list is the same.
  class Lines {
   public:
    Lines() = default;
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() { reset(-1, 0); }
    void reset(int map, uint64_t digest);
    void written(uint64_t digest) { digest_ = digest; }
    int map() const { return map_; }
    uint64_t digest() const { return digest_; }

   private:
    int map_ = -1;
    uint64_t digest_ = 0;
  };
  std::array<Lines, DAM_PREFIX_LISTS> lines_;
  uint32_t cpus_ = 0;
  std::vector<dam_zone_counters> seen_zones_;  // what collect() has given
  dam_kernel_counters seen_{};
};

}  // namespace dam

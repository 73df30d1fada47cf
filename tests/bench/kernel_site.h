// SPDX-License-Identifier: BSD-3-Clause
// The bench's site with the kernel's plane in front: the program as it is in service, on the tables
// of a real engine that raised all flows, and two devices for packets to come from. Frames go
// through BPF_PROG_TEST_RUN.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/drivers/xdp/kernel_tables.h"
#include "tests/bench/report.h"
#include "tests/bench/world.h"

struct xdp_bench_bpf;

namespace dam::bench {

inline constexpr uint32_t kRing = 1u << 15;  // frames that bench_next hands out one after another

// This thread moves into a network namespace of its own, with two devices that lead nowhere.
class Devices {
 public:
  Devices();  // throws std::system_error
  ~Devices();
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;
  uint32_t ifindex(uint8_t port) const { return ifindex_[port]; }

 private:
  std::array<int, 2> fd_{-1, -1};
  std::array<uint32_t, 2> ifindex_{};
};

// What a program did with the last frame of a run.
struct Outcome {
  uint32_t verdict = 0;
  std::vector<uint8_t> frame;
};

// The programs of xdp_bench.bpf.c.
class Yardsticks {
 public:
  Yardsticks();  // throws std::runtime_error
  ~Yardsticks();
  int drop_fd() const;
  int tx_fd() const;
  int lru_bucket_fd() const;
  int miss_fd() const;
  // The first of `frames` (all of one length) again and again.
  static Outcome repeat(int program_fd, uint32_t ifindex, std::span<const uint8_t> frame,
                        uint32_t times, Timed& timed);
  // Each of `frames` once, by way of bench_next, in runs of those that came in by one port.
  Outcome feed(int program_fd, const Devices& devices, std::span<const Frame> frames, Timed& timed);

 private:
  struct Destroy {
    void operator()(xdp_bench_bpf* bpf) const;
  };
  std::unique_ptr<xdp_bench_bpf, Destroy> bpf_;
};

class KernelSite {
 public:
  KernelSite(const Devices& devices, const Sizes& sizes);
  void put_in_force(const std::shared_ptr<const Policy>& policy);
  dam_worker_counters counted();  // by the kernel, since the last call
  uint64_t climbed() const { return tables_.climbed(); }
  int program_fd() const { return tables_.program_fd(); }
  World& world() { return world_; }

 private:
  const Devices& devices_;
  KernelTables tables_;
  World world_;
  std::shared_ptr<const Policy> in_force_;
};

}  // namespace dam::bench

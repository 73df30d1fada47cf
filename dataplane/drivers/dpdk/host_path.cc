// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/host_path.h"

#include <poll.h>
#include <rte_errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "dataplane/drivers/netdev/tap.h"

namespace dam {
namespace {

// Nobody wakes the thread when a worker leaves something (that would be a system call): it looks
// each millisecond, and rarely when it has been idle for long.
constexpr int kPauseMs = 1;
constexpr int kLongPauseMs = 5;
constexpr uint32_t kRoundsAwake = 2000;

// What became of a frame, said by its own buffer: of memory that nobody else has then.
void mark(rte_mbuf* mbuf, bool refused) { mbuf->hash.usr = refused ? 1 : 0; }
bool was_refused(const rte_mbuf* mbuf) { return mbuf->hash.usr != 0; }

rte_ring* make_ring(const std::string& name) {
  rte_ring* ring = rte_ring_create(name.c_str(), HostPath::kRingFrames, SOCKET_ID_ANY,
                                   RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  if (ring != nullptr) return ring;
  throw std::runtime_error("A ring towards the host: " + std::string(rte_strerror(rte_errno)) +
                           ".");
}

void free_ring(rte_ring* ring) {
  void* left = nullptr;
  while (rte_ring_dequeue(ring, &left) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(left));
  rte_ring_free(ring);
}

}  // namespace

HostPath::HostPath(std::vector<int> taps, uint32_t workers, rte_mempool* pool)
    : taps_(std::move(taps)), pool_(pool) {
  for (uint32_t i = 0; i < workers; ++i) {
    first_.push_back(make_ring("dam_host_first_" + std::to_string(i)));
    others_.push_back(make_ring("dam_host_" + std::to_string(i)));
    done_.push_back(make_ring("dam_host_done_" + std::to_string(i)));
  }
  empty_ = make_ring("dam_host_empty");
  from_host_ = make_ring("dam_from_host");
  while (rte_ring_free_count(empty_) >= kMostAtOnce && lay_out(kMostAtOnce)) {
  }
}

HostPath::~HostPath() {
  stop();
  for (rte_ring* ring : first_) free_ring(ring);
  for (rte_ring* ring : others_) free_ring(ring);
  for (rte_ring* ring : done_) free_ring(ring);
  free_ring(empty_);
  free_ring(from_host_);
  rte_pktmbuf_free(in_hand_);
  for (const int tap : taps_) {
    if (tap >= 0) close(tap);
  }
}

void HostPath::start() {
  thread_ = std::thread([this] { run(); });
}

void HostPath::stop() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

uint32_t HostPath::give(uint32_t worker, bool first, std::span<rte_mbuf*> mbufs) {
  rte_ring* ring = first ? first_[worker] : others_[worker];
  return rte_ring_enqueue_burst(ring, reinterpret_cast<void**>(mbufs.data()),
                                static_cast<uint32_t>(mbufs.size()), nullptr);
}

uint32_t HostPath::take(std::span<rte_mbuf*> mbufs) {
  if (rte_ring_free_count(empty_) >= kMostAtOnce) lay_out(kMostAtOnce);
  return rte_ring_dequeue_burst(from_host_, reinterpret_cast<void**>(mbufs.data()),
                                static_cast<uint32_t>(mbufs.size()), nullptr);
}

// Where the pool is empty, some other time.
bool HostPath::lay_out(uint32_t count) {
  rte_mbuf* fresh[kMostAtOnce];
  if (rte_pktmbuf_alloc_bulk(pool_, fresh, count) != 0) return false;
  rte_ring_enqueue_burst(empty_, reinterpret_cast<void**>(fresh), count, nullptr);
  return true;
}

uint32_t HostPath::take_back(uint32_t worker) {
  rte_mbuf* mbufs[kMostAtOnce];
  const uint32_t count =
      rte_ring_dequeue_burst(done_[worker], reinterpret_cast<void**>(mbufs), kMostAtOnce, nullptr);
  uint32_t refused = 0;
  for (uint32_t i = 0; i < count; ++i) refused += was_refused(mbufs[i]) ? 1 : 0;
  if (count > 0) rte_pktmbuf_free_bulk(mbufs, count);
  return refused;
}

void HostPath::set_link(uint32_t port, bool up) {
  if (has(port)) set_carrier(taps_[port], up);
}

void HostPath::run() {
  prctl(PR_SET_NAME, "dam-host", 0, 0, 0);
  uint32_t idle_rounds = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    uint32_t moved = 0;
    for (size_t i = 0; i < first_.size(); ++i) moved += write_all(first_[i], done_[i]);
    // Of strangers so many at a time, and the first ones come first again.
    for (size_t i = 0; i < others_.size(); ++i) moved += write_all(others_[i], done_[i]);
    for (uint32_t port = 0; port < taps_.size(); ++port) {
      if (has(port)) moved += read_all(port);
    }
    idle_rounds = moved > 0 ? 0 : idle_rounds + 1;
    if (moved == 0) wait(idle_rounds < kRoundsAwake ? kPauseMs : kLongPauseMs);
  }
}

// No more than find room on their way back: a worker that does not come holds up the host's frames,
// and nothing else.
uint32_t HostPath::write_all(rte_ring* from, rte_ring* done) {
  rte_mbuf* mbufs[kMostAtOnce];
  const uint32_t room = std::min(kMostAtOnce, rte_ring_free_count(done));
  const uint32_t count =
      rte_ring_dequeue_burst(from, reinterpret_cast<void**>(mbufs), room, nullptr);
  for (uint32_t i = 0; i < count; ++i) {
    rte_mbuf* mbuf = mbufs[i];
    const ssize_t gone =
        write(taps_[mbuf->port], rte_pktmbuf_mtod(mbuf, const void*), mbuf->data_len);
    mark(mbuf, gone != mbuf->data_len);
  }
  rte_ring_enqueue_burst(done, reinterpret_cast<void**>(mbufs), count, nullptr);
  return count;
}

// What finds no room waits in the TAP device, and the host's sockets with it.
uint32_t HostPath::read_all(uint32_t port) {
  uint32_t count = 0;
  while (count < kMostAtOnce && rte_ring_full(from_host_) == 0 && read_one(port)) ++count;
  return count;
}

bool HostPath::read_one(uint32_t port) {
  void* next = in_hand_;
  if (next == nullptr && rte_ring_dequeue(empty_, &next) != 0) return false;
  in_hand_ = static_cast<rte_mbuf*>(next);
  const ssize_t got =
      read(taps_[port], rte_pktmbuf_mtod(in_hand_, void*), rte_pktmbuf_tailroom(in_hand_));
  if (got <= 0) return false;
  in_hand_->data_len = static_cast<uint16_t>(got);
  in_hand_->pkt_len = static_cast<uint32_t>(got);
  in_hand_->port = static_cast<uint16_t>(port);
  rte_ring_enqueue(from_host_, std::exchange(in_hand_, nullptr));
  return true;
}

void HostPath::wait(int ms) {
  std::vector<pollfd> all;
  for (const int tap : taps_) all.push_back({tap, POLLIN, 0});  // -1 is left out by poll() itself
  // Something is there that could not be moved: no room for it, or a device that is gone.
  if (poll(all.data(), all.size(), ms) > 0 && ms == kLongPauseMs) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace dam

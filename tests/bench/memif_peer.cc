// SPDX-License-Identifier: BSD-3-Clause
// The far ends of two memif links, on one core: clients on the first, servers on the second. Opens
// connections through whatever is in between (`--flows N`; 0: it is no dam but a plain forwarder),
// then sends 64-byte frames of these connections as fast as it can and counts what comes out.
// usage: memif_peer EAL-OPTIONS -- --flows N --seconds S          prints one line of JSON
#include <getopt.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/hello_bytes.h"
#include "tests/bench/peer.h"
#include "tests/bench/site.h"

namespace {

using namespace std::chrono_literals;
using dam::Frame;
using dam::kBurst;
using dam::bench::Goal;
using dam::bench::kBackPort;
using dam::bench::kFrontPort;
using dam::bench::Outbox;
using dam::bench::Peer;
using Clock = std::chrono::steady_clock;
using Burst = std::array<rte_mbuf*, kBurst>;

constexpr uint32_t kServers = 2;      // of memif.yaml
constexpr uint32_t kFrameBytes = 60;  // 64 with the FCS
constexpr uint32_t kBlindFlows = 100'000;
constexpr uint32_t kUnderWay = 256;  // handshakes at a time
constexpr unsigned kBuffers = 32768;
constexpr uint16_t kRing = 1024;

struct Options {
  uint32_t flows = 0;
  uint32_t seconds = 5;
};

struct Count {
  uint64_t sent = 0;
  uint64_t received = 0;
};

class Links {
 public:
  Links();
  ~Links();
  void wait_until_up() const;
  uint16_t receive(uint8_t port, Burst& burst) {
    return rte_eth_rx_burst(port, 0, burst.data(), kBurst);
  }
  uint16_t send(uint8_t port, Burst& burst, uint16_t count) {
    return rte_eth_tx_burst(port, 0, burst.data(), count);
  }
  rte_mempool* pool() { return pool_; }

 private:
  void start(uint16_t port);
  rte_mempool* pool_;
};

Links::Links() : pool_(rte_pktmbuf_pool_create("peer", kBuffers, 256, 0, 2176, SOCKET_ID_ANY)) {
  if (pool_ == nullptr) throw std::runtime_error("no memory for packet buffers");
  if (rte_eth_dev_count_avail() != 2) throw std::runtime_error("two ports are needed: front, back");
  start(kFrontPort);
  start(kBackPort);
}

Links::~Links() {
  for (uint16_t port : {kFrontPort, kBackPort}) {
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }
}

void Links::start(uint16_t port) {
  const rte_eth_conf config{};
  if (rte_eth_dev_configure(port, 1, 1, &config) != 0 ||
      rte_eth_rx_queue_setup(port, 0, kRing, 0, nullptr, pool_) != 0 ||
      rte_eth_tx_queue_setup(port, 0, kRing, 0, nullptr) != 0 || rte_eth_dev_start(port) != 0) {
    throw std::runtime_error("port " + std::to_string(port) + " does not start");
  }
}

void Links::wait_until_up() const {
  const auto deadline = Clock::now() + 60s;
  for (uint16_t port : {kFrontPort, kBackPort}) {
    rte_eth_link link{};
    while (link.link_status == 0) {
      if (Clock::now() > deadline)
        throw std::runtime_error("nobody connected to the memif sockets");
      rte_delay_us_sleep(10'000);
      if (rte_eth_link_get_nowait(port, &link) != 0) link = {};
    }
  }
}

// The handshakes: the slow part, frame by frame through Peer.
class Opener {
 public:
  Opener(Links& links, Peer& peer) : links_(links), peer_(peer) {}
  void open_all();
  void exchange();  // one round: everything received is answered
  void answer(uint8_t port, rte_mbuf* mbuf);
  void flush();

 private:
  void top_up();
  Links& links_;
  Peer& peer_;
  Outbox outbox_;
};

void Opener::top_up() {
  while (outbox_.spare.size() < 4 * kBurst) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(links_.pool());
    if (mbuf == nullptr) throw std::runtime_error("out of packet buffers");
    Frame frame;
    frame.data = rte_pktmbuf_mtod(mbuf, uint8_t*);
    frame.buffer = mbuf;
    outbox_.spare.push_back(frame);
  }
}

void Opener::flush() {
  for (const Frame& frame : outbox_.ready) {
    Burst one{static_cast<rte_mbuf*>(frame.buffer)};
    one[0]->data_len = frame.bytes;
    one[0]->pkt_len = frame.bytes;
    if (links_.send(frame.port, one, 1) == 0) rte_pktmbuf_free(one[0]);
  }
  outbox_.ready.clear();
}

void Opener::answer(uint8_t port, rte_mbuf* mbuf) {
  top_up();
  peer_.receive(port, {rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len}, outbox_);
}

void Opener::exchange() {
  for (uint8_t port : {kFrontPort, kBackPort}) {
    Burst burst;
    const uint16_t count = links_.receive(port, burst);
    for (uint16_t i = 0; i < count; ++i) answer(port, burst[i]);
    rte_pktmbuf_free_bulk(burst.data(), count);
  }
  flush();
}

void Opener::open_all() {
  const auto deadline = Clock::now() + 120s;
  uint32_t next = 0;
  auto progress = Clock::now();
  uint32_t seen = 0;
  while (peer_.spliced() < peer_.flows()) {
    if (Clock::now() > deadline) {
      throw std::runtime_error(std::to_string(peer_.spliced()) + " of " +
                               std::to_string(peer_.flows()) + " connections opened in 120 s");
    }
    if (peer_.spliced() != seen) progress = Clock::now();
    seen = peer_.spliced();
    const bool stuck = Clock::now() - progress > 1s;  // something was lost: ask for it again
    if (stuck) next = 0;
    for (uint32_t sent = 0; sent < 8 && next < peer_.flows(); ++next) {
      if (next >= seen + kUnderWay && !stuck) break;
      if (peer_.is_spliced(next)) continue;
      top_up();
      peer_.send_syn(next, Goal::splice, outbox_);
      ++sent;
    }
    if (stuck) progress = Clock::now();
    exchange();
  }
}

// Ready-made frames of every connection, in random order.
std::vector<std::array<uint8_t, 64>> make_templates(const Peer& peer) {
  constexpr uint8_t kPayload[6] = {'d', 'a', 'm', '6', '0', '!'};
  std::vector<uint32_t> order(peer.flows());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  std::vector<std::array<uint8_t, 64>> templates(peer.flows());
  for (uint32_t i = 0; i < order.size(); ++i) {
    peer.write_client_data(order[i], kPayload, 0, templates[i].data());
  }
  return templates;
}

class Blaster {
 public:
  Blaster(Links& links, Opener& opener, const Peer& peer)
      : links_(links), opener_(opener), templates_(make_templates(peer)) {}
  Count run(std::chrono::seconds duration);

 private:
  uint16_t send();
  uint16_t drain(uint8_t port);
  Links& links_;
  Opener& opener_;
  std::vector<std::array<uint8_t, 64>> templates_;
  size_t next_ = 0;
};

uint16_t Blaster::send() {
  Burst burst;
  if (rte_pktmbuf_alloc_bulk(links_.pool(), burst.data(), kBurst) != 0) return 0;
  for (rte_mbuf* mbuf : burst) {
    std::memcpy(rte_pktmbuf_mtod(mbuf, uint8_t*), templates_[next_].data(), 64);
    mbuf->data_len = kFrameBytes;
    mbuf->pkt_len = kFrameBytes;
    if (++next_ == templates_.size()) next_ = 0;
  }
  const uint16_t sent = links_.send(kFrontPort, burst, kBurst);
  rte_pktmbuf_free_bulk(burst.data() + sent, kBurst - sent);
  return sent;
}

// Frees what came, and answers what is no frame of a connection (ARP).
uint16_t Blaster::drain(uint8_t port) {
  Burst burst;
  uint16_t frames = 0;
  const uint16_t count = links_.receive(port, burst);
  for (uint16_t i = 0; i < count; ++i) {
    if (burst[i]->data_len == kFrameBytes) {
      ++frames;
    } else {
      opener_.answer(port, burst[i]);
    }
  }
  if (frames != count) opener_.flush();
  rte_pktmbuf_free_bulk(burst.data(), count);
  return frames;
}

Count Blaster::run(std::chrono::seconds duration) {
  Count count;
  const auto end = Clock::now() + duration;
  while (Clock::now() < end) {
    for (int i = 0; i < 64; ++i) {
      count.sent += send();
      count.received += drain(kBackPort);
      drain(kFrontPort);
    }
  }
  return count;
}

Options parse(int argc, char** argv) {
  Options options;
  constexpr option kLong[] = {{"flows", required_argument, nullptr, 'f'},
                              {"seconds", required_argument, nullptr, 's'},
                              {nullptr, 0, nullptr, 0}};
  for (int c; (c = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
    const auto value = static_cast<uint32_t>(std::strtoul(optarg ? optarg : "", nullptr, 10));
    if (c == 'f') options.flows = value;
    if (c == 's') options.seconds = value;
  }
  return options;
}

void run(const Options& options) {
  Links links;
  links.wait_until_up();
  const uint32_t flows = options.flows != 0 ? options.flows : kBlindFlows;
  Peer peer(flows, kServers, dam::bench::client_hello(dam::bench::kServedName, 500));
  Opener opener(links, peer);
  if (options.flows != 0) opener.open_all();
  Blaster blaster(links, opener, peer);
  blaster.run(1s);  // caches, and the last of the handshakes
  const Count count = blaster.run(std::chrono::seconds(options.seconds));
  std::printf(
      "{\"flows\": %u, \"seconds\": %u, \"sent\": %lu, \"received\": %lu, \"mpps\": %.3f}\n",
      options.flows, options.seconds, count.sent, count.received,
      static_cast<double>(count.received) / 1e6 / options.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const int used = rte_eal_init(argc, argv);
  if (used < 0) return 2;
  try {
    run(parse(argc - used, argv + used));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memif_peer: %s\n", error.what());
    return 1;
  }
  rte_eal_cleanup();
}

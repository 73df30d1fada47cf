// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/driver.h"

#include <algorithm>
#include <set>
#include <utility>

#include "dataplane/core/packet.h"

namespace dam {
namespace {

bool is_tcp_reset(const rte_mbuf* mbuf) {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  dam_packet packet;
  return dam_parse(frame, frame + mbuf->data_len, &packet) == DAM_DROP_none &&
         packet.kind == DAM_KIND_TCP && (packet.tcp_flags & DAM_TCP_RST) != 0;
}

}  // namespace

uint32_t buffers_for(const StartConfig& config) {
  const auto devices = static_cast<uint32_t>(config.devices.size());
  const bool host_path = std::any_of(
      config.devices.begin(), config.devices.end(),
      [](const DeviceConfig& device) { return device.host_path == HostPathWish::open; });
  return buffers_needed(devices * config.workers, config.workers,
                        config.workers * (config.workers - 1) * Steering::kRingFrames +
                            (host_path ? HostPath::buffers(config.workers) : 0));
}

DpdkDriver::DpdkDriver(const StartConfig& config, const RssKey& key)
    : pool_(buffers_for(config)), steering_(config.workers), queues_(config.workers) {
  for (uint32_t i = 0; i < config.devices.size(); ++i) {
    ports_.push_back(
        std::make_unique<Port>(config.devices[i], i, config.workers, key, pool_.mempool()));
  }
  for (Queue& queue : queues_) queue.out.resize(ports_.size());
}

uint32_t DpdkDriver::receive(uint32_t queue, std::span<Frame> frames) {
  Queue& own = queues_[queue];
  own.turn = own.turn + 1 >= ports_.size() ? 0 : own.turn + 1;
  const QueuePair pair = ports_[own.turn]->queue_pair(queue);
  rte_mbuf* mbufs[kBurst];
  const uint16_t got = rte_eth_rx_burst(pair.ethdev, pair.queue, mbufs, kBurst);
  uint32_t count = 0;
  for (uint16_t i = 0; i < got; ++i) {
    if (mbufs[i]->nb_segs == 1) [[likely]] {
      frames[count++] = frame_of(mbufs[i], static_cast<uint8_t>(own.turn));
    } else {
      rte_pktmbuf_free(mbufs[i]);  // cannot be: buffers are larger than the MTU, and LRO is off
    }
  }
  return count;
}

uint32_t DpdkDriver::transmit(uint32_t queue, Output& output) {
  std::vector<Batch>& out = queues_[queue].out;
  const auto append = [&out](const Frame& frame) {
    Batch& batch = out[frame.port];
    batch.mbuf[batch.count++] = sendable(frame);
  };
  for (const Frame& frame : output.urgent.all()) append(frame);
  for (const Frame& frame : output.normal.all()) append(frame);
  output.urgent.count = 0;
  output.normal.count = 0;
  uint32_t refused = 0;
  for (uint32_t port = 0; port < out.size(); ++port) {
    if (out[port].count > 0) refused += send(queue, port, out[port]);
  }
  free_all(output.dropped);
  if (output.host_first.count > 0) hand_to_host(queue, output.host_first, true);
  if (output.host.count > 0) hand_to_host(queue, output.host, false);
  return refused;
}

// DPDK has taken the whole device: without a way beside it, what is for the host is nobody's.
void DpdkDriver::hand_to_host(uint32_t queue, FrameList<kBurst>& frames, bool first) {
  rte_mbuf* mbufs[kBurst];
  uint32_t count = 0;
  uint32_t homeless = 0;
  for (const Frame& frame : frames.all()) {
    rte_mbuf* mbuf = sendable(frame);
    if (host_path_ == nullptr || !host_path_->has(frame.port)) {
      rte_pktmbuf_free(mbuf);
      ++homeless;
      continue;
    }
    mbuf->port = frame.port;
    mbufs[count++] = mbuf;
  }
  frames.count = 0;
  const uint32_t taken = count == 0 ? 0 : host_path_->give(queue, first, {mbufs, count});
  rte_pktmbuf_free_bulk(&mbufs[taken], count - taken);
  if (counters_ == nullptr) return;
  counters_->worker[queue].zones[0].drops[DAM_DROP_not_ours] += homeless;
  counters_->worker[queue].zones[0].drops[DAM_DROP_host_full] += count - taken;
}

void DpdkDriver::open_host_path(std::vector<int> taps) {
  host_path_ = std::make_unique<HostPath>(std::move(taps), steering_.workers(), pool_.mempool());
}

void DpdkDriver::take_back_from_host(uint32_t worker) {
  const uint32_t refused = host_path_->take_back(worker);
  if (counters_ == nullptr) return;
  counters_->worker[worker].zones[0].drops[DAM_DROP_host_refused] += refused;
}

bool DpdkDriver::send_for_host(bool has_policy) {
  rte_mbuf* mbufs[HostPath::kMostAtOnce];
  const uint32_t count = host_path_->take(mbufs);
  if (count == 0) return false;
  std::vector<Batch>& out = queues_[0].out;
  uint32_t kept = 0;
  for (rte_mbuf* mbuf : std::span(mbufs, count)) {
    if (!has_policy && is_tcp_reset(mbuf)) {
      rte_pktmbuf_free(mbuf);
      ++kept;
      continue;
    }
    Batch& batch = out[mbuf->port];
    batch.mbuf[batch.count++] = mbuf;
  }
  uint32_t refused = 0;
  for (uint32_t port = 0; port < out.size(); ++port) {
    if (out[port].count > 0) refused += send(0, port, out[port]);
  }
  if (counters_ != nullptr) {
    counters_->worker[0].host_sent += count - kept - refused;
    counters_->worker[0].zones[0].drops[DAM_DROP_tx_full] += refused;
    counters_->worker[0].zones[0].drops[DAM_DROP_no_policy] += kept;
  }
  return true;
}

uint32_t DpdkDriver::send(uint32_t queue, uint32_t port, Batch& batch) {
  const QueuePair pair = ports_[port]->queue_pair(queue);
  const auto count = static_cast<uint16_t>(batch.count);
  batch.count = 0;
  uint16_t sent = rte_eth_tx_burst(pair.ethdev, pair.queue, batch.mbuf.data(), count);
  if (sent == count) return 0;
  // Once more: the first call may have made room by taking back what was sent.
  sent = static_cast<uint16_t>(sent + rte_eth_tx_burst(pair.ethdev, pair.queue, &batch.mbuf[sent],
                                                       static_cast<uint16_t>(count - sent)));
  rte_pktmbuf_free_bulk(&batch.mbuf[sent], static_cast<uint32_t>(count - sent));
  return static_cast<uint32_t>(count - sent);
}

ReplyWorker DpdkDriver::reply_worker() const {
  const RssTable& first = ports_[0]->facts().rss;
  for (const auto& port : ports_) {
    const std::vector<uint16_t>& queue = port->facts().rss.queue;
    if (queue.empty() || queue != first.queue) return {};
  }
  return [table = first](const dam_address& server, dam_be16 server_port, const dam_address& local,
                         uint16_t source_port) {
    return reply_queue(table, server, server_port, local, source_port);
  };
}

std::string DpdkDriver::name() const {
  std::set<std::string> drivers;
  for (const auto& port : ports_) drivers.insert(port->facts().driver);
  std::string text;
  for (const std::string& driver : drivers) text += (text.empty() ? "" : ", ") + driver;
  return "dpdk (" + text + ")";
}

}  // namespace dam

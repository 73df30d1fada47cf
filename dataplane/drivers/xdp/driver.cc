// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/driver.h"

#include <bpf/bpf.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dataplane/drivers/xdp/standing.h"

namespace dam {
namespace {

constexpr uint32_t kChunks = 16384;  // 32 MiB: eight sockets' rings, and what the engine holds
constexpr uint16_t kMostMtu = 1500;  // what a chunk holds beside the headrooms

std::vector<std::string> keep_what_stands(const std::optional<Pins>& pins,
                                          const StartConfig& config) {
  if (!pins) return {};
  std::string why = keep_or_clear(*pins, config);
  if (why.empty()) return {};
  return {std::move(why)};
}

}  // namespace

std::vector<std::string> xdp_obstacles(const StartConfig& config) {
  std::vector<std::string> obstacles;
  std::set<unsigned> seen;  // a device may have several names
  for (const DeviceConfig& device : config.devices) {
    const unsigned ifindex = if_nametoindex(device.device.c_str());
    if (ifindex == 0) {
      obstacles.push_back("There is no interface \"" + device.device +
                          "\" in this network namespace.");
    } else if (!seen.insert(ifindex).second) {
      obstacles.push_back(device.device + " is another name of a device that is taken already.");
    }
    if (device.mtu <= kMostMtu) continue;
    obstacles.push_back(device.device + ": driver: xdp takes an mtu of 1500 at most, not " +
                        std::to_string(device.mtu) + ".");
  }
  for (const Interface& interface : config.interfaces) {
    if (interface.vlan == DAM_VLAN_NONE) continue;
    obstacles.push_back("Interface \"" + interface.name +
                        "\": driver: xdp takes no vlan yet; driver: dpdk does.");
  }
  return obstacles;
}

XdpDriver::XdpDriver(const StartConfig& config, const uint64_t hash_key[2],
                     std::optional<Pins> pins)
    : pins_(std::move(pins)),
      says_(keep_what_stands(pins_, config)),
      tables_(config.limits, hash_key, false, pins_ ? &*pins_ : nullptr),
      area_(kChunks) {
  for (size_t i = 0; i < config.devices.size(); ++i) {
    devices_.push_back(std::make_unique<XdpDevice>(config.devices[i].device, tables_.program_fd(),
                                                   pins_ ? &*pins_ : nullptr,
                                                   tables_.device_changes()[i]));
  }
  for (const Interface& interface : config.interfaces) {
    interfaces_.push_back({devices_[interface.port]->ifindex(), interface.port});
  }
  for (size_t i = 0; i < devices_.size(); ++i) open_sockets(static_cast<uint16_t>(i));
}

void XdpDriver::put_in_force() {
  if (!tables_.adopted()) return;
  for (const auto& device : devices_) device->put_in_force(tables_.program_fd());
}

// A queue without a socket would lose what climbs from it.
void XdpDriver::open_sockets(uint16_t device) {
  const XdpDevice& on = *devices_[device];
  if (on.queues() > DAM_MAX_QUEUES) {
    throw std::runtime_error(on.name() + " has more than 64 queues: ethtool -L " + on.name() +
                             " combined 64");
  }
  sends_for_.push_back(sockets());
  for (uint32_t queue = 0; queue < on.queues(); ++queue) {
    sockets_.push_back(std::make_unique<XdpSocket>(area_, on.name(), queue,
                                                   static_cast<uint8_t>(device), on.generic()));
    const int fd = sockets_.back()->fd();
    const uint32_t slot = device * uint32_t{DAM_MAX_QUEUES} + queue;
    if (bpf_map_update_elem(tables_.sockets_fd(), &slot, &fd, 0) != 0) {
      throw std::system_error(errno, std::generic_category(), "A socket for " + on.name());
    }
    polled_.push_back({fd, POLLIN, 0});
  }
}

void XdpDriver::refill(Output& output) {
  while (!output.spare.full()) {
    const uint64_t offset = area_.take();
    if (offset == FrameArea::kNone) return;
    output.spare.add(area_.empty(offset));
  }
}

uint32_t XdpDriver::transmit(Output& output) {
  uint32_t full = 0;
  for (const std::span<Frame> list : {output.urgent.all(), output.normal.all()}) {
    for (const Frame& frame : list) full += !sockets_[sends_for_[frame.port]]->queue_send(frame);
  }
  // What the host could want never climbs.
  for (const std::span<Frame> list : {output.dropped.all(), output.host.all()}) {
    for (const Frame& frame : list) area_.give(area_.offset_of(frame));
  }
  output.urgent.count = output.normal.count = output.dropped.count = output.host.count = 0;
  for (const auto& socket : sockets_) socket->settle();
  return full;
}

void XdpDriver::wait(int timeout_ms) {
  poll(polled_.data(), static_cast<nfds_t>(polled_.size()), timeout_ms);
}

std::string XdpDriver::name() const {
  const bool generic = std::any_of(devices_.begin(), devices_.end(),
                                   [](const auto& device) { return device->generic(); });
  return generic ? "xdp (generic)" : "xdp (native)";
}

std::vector<std::string> XdpDriver::says() const {
  std::vector<std::string> all = says_;
  for (size_t i = 0; i < devices_.size(); ++i) {
    const XdpDevice& device = *devices_[i];
    all.insert(all.end(), device.says().begin(), device.says().end());
    all.push_back("Port " + std::to_string(i) + ": " + device.name() + " by XDP, " +
                  (device.generic() ? "generic" : "native") + ", " +
                  std::to_string(device.queues()) + " queue(s), " +
                  (sockets_[sends_for_[i]]->zero_copy() ? "zero copy" : "copying") +
                  " towards the engine.");
  }
  return all;
}

}  // namespace dam

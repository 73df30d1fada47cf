// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/driver.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dataplane/drivers/netdev/host_use.h"
#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/vlan_device.h"
#include "dataplane/drivers/netdev/xdp_info.h"
#include "dataplane/drivers/xdp/standing.h"

namespace dam {
namespace {

constexpr uint32_t kChunks = 16384;      // 32 MiB: sockets' rings, and what the engine holds
constexpr uint32_t kForSockets = 12288;  // of them: twelve sockets' rings in full

std::string text_of(const dam_address& address) {
  const bool v4 = dam_address_is_v4(&address) != 0;
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address.word[3] : &address.word[0], text, sizeof text);
  return text;
}

// A native program's redirect needs the other device's driver to take frames from it. Empty: each
// of the drivers does, or there is one device only.
std::string device_without_native(const StartConfig& config) {
  for (const DeviceConfig& one : config.devices) {
    const XdpAbilities can =
        xdp_abilities(if_nametoindex(one.device.c_str()), inspect_interface(one.device).driver);
    if (can.native == Known::no && config.devices.size() > 1) return one.device;
  }
  return {};
}

std::vector<std::string> keep_what_stands(const std::optional<Pins>& pins,
                                          const StartConfig& config) {
  if (!pins) return {};
  std::string why = keep_or_clear(*pins, config);
  if (why.empty()) return {};
  return {std::move(why)};
}

}  // namespace

XdpDriver::XdpDriver(const StartConfig& config, const uint64_t hash_key[2],
                     std::optional<Pins> pins)
    : pins_(std::move(pins)),
      says_(keep_what_stands(pins_, config)),
      tables_(
          config.limits, hash_key,
          config.xdp_beside_others ? KernelTables::Use::behind_gate : KernelTables::Use::on_device,
          pins_ ? &*pins_ : nullptr),
      area_(kChunks) {
  const std::vector<uint32_t> unwanted = unwanted_offloads(config);
  const std::string without = device_without_native(config);
  if (!without.empty()) {
    says_.push_back(without +
                    ": its driver takes no XDP program, and what comes in by one that does could "
                    "not leave there: all devices are in the kernel's generic mode, which is "
                    "slower.");
  }
  for (size_t i = 0; i < config.devices.size(); ++i) {
    const XdpDeviceWish wish{config.devices[i].device, unwanted[i], !without.empty(),
                             config.xdp_beside_others};
    devices_.push_back(std::make_unique<XdpDevice>(
        wish, tables_.program_fd(), pins_ ? &*pins_ : nullptr, tables_.device_changes()[i]));
  }
  for (const Interface& interface : config.interfaces) open_interface(interface);
  for (const auto& device : devices_) counted_queues_ += device->queues();
  for (size_t i = 0; i < devices_.size(); ++i) open_sockets(static_cast<uint16_t>(i));
}

void XdpDriver::put_in_force() {
  if (!tables_.adopted()) return;
  for (const auto& device : devices_) device->put_in_force(tables_.program_fd());
}

void XdpDriver::open_interface(const Interface& interface) {
  const XdpDevice& device = *devices_[interface.port];
  XdpInterface open{device.ifindex(), interface.port, device.ifindex(), device.mac()};
  if (interface.vlan != DAM_VLAN_NONE) {
    open.host_ifindex = find_vlan_device(device.ifindex(), interface.vlan);
    char name[IFNAMSIZ] = {};
    const std::string vlan = std::to_string(interface.vlan);
    if (open.host_ifindex == 0) {
      groups_.push_back(std::make_unique<AllMulticast>(device.ifindex()));
      says_.push_back("Interface \"" + interface.name + "\": the host is not on VLAN " + vlan +
                      " of " + device.name() + ": the dam answers ARP, NDP and ping there.");
    } else if (if_indextoname(open.host_ifindex, name) != nullptr) {
      open.mac = inspect_interface(name).mac;
      says_.push_back("Interface \"" + interface.name + "\": the host has VLAN " + vlan + " as " +
                      name + ", and resolves next hops there.");
    }
  }
  if (open.host_ifindex != 0) say_missing_addresses(interface, open.host_ifindex);
  interfaces_.push_back(open);
}

void XdpDriver::say_missing_addresses(const Interface& interface, uint32_t host_ifindex) {
  char device[IFNAMSIZ] = {};
  if (if_indextoname(host_ifindex, device) == nullptr) return;
  const std::vector<std::string> have = use_by_host(device).addresses;
  for (const Subnet& subnet : interface.subnets) {
    const std::string address = text_of(subnet.address);
    if (std::find(have.begin(), have.end(), address) != have.end()) continue;
    const int bits = subnet.prefix_bits - (dam_address_is_v4(&subnet.address) != 0 ? 96 : 0);
    says_.push_back("WARNING: the host has not " + address + " on " + device +
                    ", so nobody answers ARP or NDP for it: ip addr add " + address + "/" +
                    std::to_string(bits) + " dev " + device);
  }
}

// A queue without a socket would lose what climbs from it, and a device may have more of them than
// ethtool counts: virtio-net sends a native program's answers by queues of their own, one for each
// CPU, and the host beside it goes on with that flow where it was answered. Which there are only
// binding tells.
void XdpDriver::open_sockets(uint16_t device) {
  XdpDevice& on = *devices_[device];
  if (on.queues() > DAM_MAX_QUEUES) {
    throw std::runtime_error(on.name() + " has more than 64 queues: ethtool -L " + on.name() +
                             " combined 64");
  }
  sends_for_.push_back(sockets());
  uint32_t queue = 0;
  for (; queue < on.queues(); ++queue) add_socket(device, queue, open_socket(device, queue));
  for (; queue < DAM_MAX_QUEUES; ++queue) {
    std::unique_ptr<XdpSocket> more = try_socket(device, queue);
    if (!more) break;
    add_socket(device, queue, std::move(more));
  }
  on.set_queues(queue);
}

// Each of those that are counted gets its share of the frames.
std::unique_ptr<XdpSocket> XdpDriver::open_socket(uint16_t device, uint32_t queue) {
  constexpr uint32_t kForMore = 64;
  const XdpDevice& on = *devices_[device];
  const uint32_t share = std::min(XdpSocket::kMostFrames, kForSockets / counted_queues_);
  return std::make_unique<XdpSocket>(area_, on.name(), queue, static_cast<uint8_t>(device),
                                     on.generic(), queue < on.queues() ? share : kForMore);
}

// None: there is no such queue, or none that could be had.
std::unique_ptr<XdpSocket> XdpDriver::try_socket(uint16_t device, uint32_t queue) {
  try {
    return open_socket(device, queue);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::invalid_argument) {
      says_.push_back(std::string("WARNING: ") + error.what() + ".");
    }
    return nullptr;
  }
}

void XdpDriver::add_socket(uint16_t device, uint32_t queue, std::unique_ptr<XdpSocket> socket) {
  const int fd = socket->fd();
  const uint32_t slot = device * uint32_t{DAM_MAX_QUEUES} + queue;
  sockets_.push_back(std::move(socket));
  if (bpf_map_update_elem(tables_.sockets_fd(), &slot, &fd, 0) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "A socket for " + devices_[device]->name());
  }
  polled_.push_back({fd, POLLIN, 0});
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
  for (const std::span<Frame> list :
       {output.dropped.all(), output.host.all(), output.host_first.all()}) {
    for (const Frame& frame : list) area_.give(area_.offset_of(frame));
  }
  output.urgent.count = output.normal.count = output.dropped.count = 0;
  output.host.count = output.host_first.count = 0;
  for (const auto& socket : sockets_) socket->settle();
  return full;
}

void XdpDriver::wait(int timeout_ms) {
  const int ready = poll(polled_.data(), static_cast<nfds_t>(polled_.size()), timeout_ms);
  if (ready <= 0) return;
  for (pollfd& one : polled_) {
    // Its device is gone, and it would wake us for ever.
    if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) one.fd = -1;
  }
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

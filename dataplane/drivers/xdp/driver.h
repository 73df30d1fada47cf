// SPDX-License-Identifier: BSD-3-Clause
// The devices, the sockets and the frames of the XDP driver. One thread receives and sends.
#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/all_multicast.h"
#include "dataplane/drivers/xdp/device.h"
#include "dataplane/drivers/xdp/frame_area.h"
#include "dataplane/drivers/xdp/kernel_tables.h"
#include "dataplane/drivers/xdp/socket.h"
#include "dataplane/drivers/xdp/view.h"
#include "dataplane/engine/start_config.h"

namespace dam {

// Why this cannot run on the XDP driver, one sentence each.
std::vector<std::string> xdp_obstacles(const StartConfig& config);
// By device: enum OffloadBit, what must be off while the program is on it.
std::vector<uint32_t> unwanted_offloads(const StartConfig& config);

class XdpDriver {
 public:
  // Loads the program, attaches it and opens the sockets; until the first policy is published every
  // frame goes to the host. With pins all of it outlives this object, and where an earlier one has
  // left connections, its program goes on with them until put_in_force(). Throws
  // std::runtime_error.
  XdpDriver(const StartConfig& config, const uint64_t hash_key[2], std::optional<Pins> pins);
  // The first policy is published.
  void put_in_force();

  uint32_t receive(uint32_t socket, std::span<Frame> frames) {
    return sockets_[socket]->receive(frames);
  }
  void refill(Output& output);
  uint32_t transmit(Output& output);  // gives how many tx_full drops there were
  // Sleeps until a frame comes or `timeout_ms` have passed.
  void wait(int timeout_ms);

  uint32_t sockets() const { return static_cast<uint32_t>(sockets_.size()); }
  std::span<const std::unique_ptr<XdpDevice>> devices() const { return devices_; }
  // By interface of the StartConfig.
  const std::vector<XdpInterface>& xdp_interfaces() const { return interfaces_; }
  KernelTables& tables() { return tables_; }
  std::string name() const;
  std::vector<std::string> says() const;

 private:
  void open_interface(const Interface& interface);
  void say_missing_addresses(const Interface& interface, uint32_t host_ifindex);
  void open_sockets(uint16_t device);
  std::unique_ptr<XdpSocket> open_socket(uint16_t device, uint32_t queue);
  std::unique_ptr<XdpSocket> try_socket(uint16_t device, uint32_t queue);
  void add_socket(uint16_t device, uint32_t queue, std::unique_ptr<XdpSocket> socket);

  std::optional<Pins> pins_;
  std::vector<std::string> says_;
  KernelTables tables_;
  std::vector<std::unique_ptr<XdpDevice>> devices_;
  std::vector<XdpInterface> interfaces_;
  std::vector<std::unique_ptr<AllMulticast>> groups_;
  FrameArea area_;
  std::vector<std::unique_ptr<XdpSocket>> sockets_;
  uint32_t counted_queues_ = 0;      // of all devices, by ethtool
  std::vector<uint32_t> sends_for_;  // by device: the socket that sends
  std::vector<pollfd> polled_;
};

}  // namespace dam

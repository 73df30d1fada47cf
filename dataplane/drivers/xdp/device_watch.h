// SPDX-License-Identifier: BSD-3-Clause
// What happens to the devices while the dam runs, by netlink: they go, they come back, somebody
// switches on what must be off.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dam {

class DeviceWatch {
 public:
  struct Device {
    std::string name;
    uint32_t ifindex = 0;
    uint32_t unwanted_offloads = 0;  // enum OffloadBit
    bool went = false;               // a message said so
    bool gone = false;
    uint32_t stuck = 0;  // offloads that were complained of
  };
  explicit DeviceWatch(std::vector<Device> devices);  // throws std::system_error

  // What has happened since the last call, in sentences. Control thread.
  std::vector<std::string> attend();
  // A device that had gone is there again. Its sockets and its program went with the old one: a new
  // process opens it.
  bool came_back() const { return came_back_; }

 private:
  void look_at(Device& device);

  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  std::vector<Device> devices_;
  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<std::string> says_;
  bool came_back_ = false;
};

}  // namespace dam

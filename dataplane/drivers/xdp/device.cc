// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/device.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/xdp/gate.h"
#include "dataplane/drivers/xdp/occupied.h"

namespace dam {

XdpDevice::XdpDevice(const XdpDeviceWish& wish, int program_fd, const Pins* pins,
                     dam_device_changes& changes)
    : name_(wish.name),
      ifindex_(if_nametoindex(wish.name.c_str())),
      generic_(wish.generic),
      unwanted_(wish.unwanted_offloads),
      beside_others_(wish.beside_others),
      stays_(pins != nullptr),
      changes_(changes) {
  const KernelInterface facts = inspect_interface(name_);
  if (ifindex_ == 0 || !facts.exists) {
    throw std::runtime_error("There is no interface \"" + name_ + "\" in this network namespace.");
  }
  mac_ = facts.mac;
  queues_ = facts.rx_queues;
  switch_off_offloads();
  if (pins != nullptr && take_over(*pins)) return;
  if (beside_others_) {
    join(program_fd, *pins);
    return;
  }
  attach(program_fd);
  if (pins != nullptr) pin(*pins);
}

bool XdpDevice::take_over(const Pins& pins) {
  link_ = bpf_obj_get((beside_others_ ? pins.gate(ifindex_) : pins.link(ifindex_)).c_str());
  if (link_ >= 0) look_at_mode();
  return link_ >= 0;
}

void XdpDevice::look_at_mode() {
  LIBBPF_OPTS(bpf_xdp_query_opts, about);
  generic_ = bpf_xdp_query(static_cast<int>(ifindex_), 0, &about) == 0 &&
             about.attach_mode == XDP_ATTACHED_SKB;
}

void XdpDevice::join(int program_fd, const Pins& pins) {
  link_ = open_gate(pins, {name_, ifindex_, generic_}, program_fd);
  look_at_mode();
  says_.push_back(name_ + ": in libxdp's dispatcher, after the programs of others.");
}

void XdpDevice::pin(const Pins& pins) const {
  if (bpf_obj_pin(link_, pins.link(ifindex_).c_str()) == 0) return;
  throw std::system_error(errno, std::generic_category(), "Pinning the program of " + name_);
}

void XdpDevice::put_in_force(int program_fd) {
  if (beside_others_) {
    put_behind_gate(link_, program_fd);
    return;
  }
  if (bpf_link_update(link_, program_fd, nullptr) == 0) return;
  throw std::system_error(errno, std::generic_category(), "The program of " + name_);
}

// A frame that was put together from several cannot be translated: its segments are gone. A tag
// that was taken away cannot be read. What an earlier dataplane has switched off is to come back
// at the end, too.
void XdpDevice::switch_off_offloads() {
  if (changes_.ifindex != ifindex_) changes_ = {};
  name_.copy(changes_.name, sizeof changes_.name - 1);
  changes_.ifindex = ifindex_;
  const uint32_t on = offloads_on(name_, unwanted_);
  changes_.offloads |= on;  // before it is done: whatever happens then, it is undone
  const uint32_t stuck = switch_offloads_off(name_, on);
  changes_.offloads &= ~stuck;
  if (changes_.offloads != 0) {
    says_.push_back(name_ + ": off while the dam runs: " + names_of_offloads(changes_.offloads) +
                    ".");
  }
  if (stuck != 0) {
    says_.push_back("WARNING: " + name_ +
                    ": cannot be switched off, and should be: " + names_of_offloads(stuck) + ".");
  }
}

void XdpDevice::attach(int program_fd) {
  if (!generic_) {
    LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
    link_ = bpf_link_create(program_fd, static_cast<int>(ifindex_), BPF_XDP, &native);
    if (link_ >= 0) return;
    refuse_if_taken(errno);
    says_.push_back(name_ + ": its driver takes no XDP program (" + std::strerror(errno) +
                    "); the kernel's generic mode is slower.");
    generic_ = true;
  }
  LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
  link_ = bpf_link_create(program_fd, static_cast<int>(ifindex_), BPF_XDP, &generic);
  if (link_ >= 0) return;
  refuse_if_taken(errno);
  throw std::runtime_error("The XDP program cannot be attached to " + name_ + ": " +
                           std::strerror(errno) + ".");
}

void XdpDevice::refuse_if_taken(int error) const {
  if (error != EBUSY && error != EEXIST) return;
  const std::string by = occupied(name_, Beside::nobody);
  if (!by.empty()) throw std::runtime_error(by);
  throw std::runtime_error("Another XDP program is attached to " + name_ +
                           ". Look at it: ip link show " + name_);
}

XdpDevice::~XdpDevice() {
  if (link_ >= 0) close(link_);  // unless it is pinned, the program leaves the device
  if (!stays_) switch_offloads_on(name_, changes_.offloads);
}

}  // namespace dam
